package null

import (
	"bytes"
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// layout makes the documents of the virtual collection and recognises them. A document is its head, which
// varies, and its tail, which does not:
//
//	{_id, check: int64 that follows from _id, total_amount: double of 0 to 999.99, vehicle: {…}, …, notes: "…"}
//
// The check keeps the _id of one document with the rest of another from passing as a document.
type layout struct {
	spread spread
	key    key
	bytes  int // of a document

	idStart, idEnd int    // of the _id's value
	beforeID       []byte // length, type and name
	beforeCheck    []byte
	beforeAmount   []byte
	head           int
	tail           []byte
	altered        alterations
}

func newLayout(o Options) layout {
	spread := newSpread(o.Documents, o.Skew)
	l := layout{spread: spread, key: newKey(o.IDKind, spread.room()), bytes: o.DocumentBytes, altered: newAlterations(o.Altered)}
	l.beforeID = bsoncore.AppendHeader(binary.LittleEndian.AppendUint32(nil, uint32(l.bytes)), l.key.kind, "_id")
	l.beforeCheck = bsoncore.AppendHeader(nil, bson.TypeInt64, "check")
	l.beforeAmount = bsoncore.AppendHeader(nil, bson.TypeDouble, "total_amount")
	l.idStart = len(l.beforeID)
	l.idEnd = l.idStart + l.key.bytes
	l.head = l.idEnd + len(l.beforeCheck) + 8 + len(l.beforeAmount) + 8
	l.tail = newTail(l.bytes - l.head)
	return l
}

// newTail returns what every document of a collection has in common, to its end.
func newTail(size int) []byte {
	vehicle := bsoncore.NewDocumentBuilder().AppendString("make", "Volvo").AppendString("model", "XC60").AppendInt32("year", 2021).Build()
	tail := bsoncore.AppendStringElement(nil, "status", "completed")
	if withVehicle := bsoncore.AppendDocumentElement(tail, "vehicle", vehicle); len(withVehicle)+16 < size {
		tail = withVehicle
	}
	tail = bsoncore.AppendHeader(tail, bson.TypeString, "notes")
	notes := size - len(tail) - 4 - 1 - 1 // after the text's length, before its zero and the document's
	tail = binary.LittleEndian.AppendUint32(tail, uint32(notes+1))
	const words = "Serviced by the book; brake fluid, coolant and the state of the battery were looked at. "
	for i := range notes {
		tail = append(tail, words[i%len(words)])
	}
	return append(tail, 0, 0)
}

// appendHead appends the head of document i; the tail makes it whole.
func (l layout) appendHead(dst []byte, i int64) []byte {
	position := l.spread.position(i)
	dst = l.key.append(append(dst, l.beforeID...), position)
	check := mix(uint64(position))
	dst = binary.LittleEndian.AppendUint64(append(dst, l.beforeCheck...), check)
	amount := float64(check%100_000) / 100
	return binary.LittleEndian.AppendUint64(append(dst, l.beforeAmount...), math.Float64bits(amount))
}

// appendIDOnly appends document i as a projection to its _id leaves it.
func (l layout) appendIDOnly(dst []byte, i int64) []byte {
	start := len(dst)
	dst = l.key.append(append(dst, l.beforeID...), l.spread.position(i))
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// find returns the document with an _id, or false where none has it.
func (l layout) find(id bson.RawValue) (int64, bool) {
	if !l.key.comparable(id) {
		return 0, false
	}
	i := l.firstAtLeast(id)
	return i, i < l.spread.documents() && l.key.compare(l.spread.position(i), id) == 0
}

// recognise returns which document these bytes are. Where they are none, at is the offset of the first byte
// that differs, and i the document that the _id names, or -1.
func (l layout) recognise(document []byte, scratch []byte) (i int64, at int, ok bool) {
	if len(document) < l.idEnd || !bytes.Equal(document[:l.idStart], l.beforeID) {
		return -1, differsAt(document, l.beforeID), false
	}
	i, known := l.spread.document(l.key.position(document[l.idStart:l.idEnd]))
	if !known {
		return -1, l.idStart, false
	}
	head := l.appendHead(scratch[:0], i)
	if !bytes.Equal(document[l.idStart:l.idEnd], head[l.idStart:l.idEnd]) {
		return -1, l.idStart, false
	}
	if len(document) != l.bytes {
		return i, min(len(document), l.bytes), false
	}
	if !bytes.Equal(document[:l.head], head) {
		return i, differsAt(document, head), false
	}
	if !bytes.Equal(document[l.head:], l.tail) {
		return i, l.head + differsAt(document[l.head:], l.tail), false
	}
	return i, 0, true
}

func differsAt(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
