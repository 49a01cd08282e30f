package null

import (
	"bytes"
	"cmp"
	"math"
	"sort"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"
)

// comparable reports whether values of the operand's type are ordered with the keys: a query's comparison sees
// its operand's own group of types alone.
func (k key) comparable(operand bson.RawValue) bool {
	if k.kind == bson.TypeInt64 {
		_, ok := number(operand)
		return ok
	}
	return operand.Type == k.kind || k.kind == bson.TypeString && operand.Type == bson.TypeSymbol
}

// compare orders the value at a position and an operand that is comparable.
func (k key) compare(position int64, operand bson.RawValue) int {
	var space [stringBytes]byte
	switch k.kind {
	case bson.TypeInt64:
		if n, ok := operand.Int64OK(); ok {
			return cmp.Compare(position, n)
		}
		n, _ := number(operand)
		return cmp.Compare(float64(position), n) // exact: positions are below 2^53
	case bson.TypeString:
		text, ok := operand.StringValueOK()
		if !ok {
			text = operand.Symbol()
		}
		return bytes.Compare(appendString(space[:0], position), []byte(text))
	case bson.TypeBinary:
		subtype, data := operand.Binary()
		return cmp.Or(cmp.Compare(uuidBytes, len(data)), cmp.Compare(uuidSubtype, subtype),
			bytes.Compare(k.appendUUID(space[:0], position), data))
	}
	id := operand.ObjectID()
	return bytes.Compare(k.append(space[:0], position), id[:])
}

// number returns the operand as a number; NaN is none, as no comparison finds anything by it.
func number(operand bson.RawValue) (float64, bool) {
	var n float64
	switch operand.Type {
	case bson.TypeInt32:
		n = float64(operand.Int32())
	case bson.TypeInt64:
		n = float64(operand.Int64())
	case bson.TypeDouble:
		n = operand.Double()
	case bson.TypeDecimal128:
		parsed, err := strconv.ParseFloat(operand.Decimal128().String(), 64)
		if err != nil && math.IsInf(parsed, 0) {
			err = nil // beyond all keys either way
		}
		if err != nil {
			return 0, false
		}
		n = parsed
	default:
		return 0, false
	}
	return n, !math.IsNaN(n)
}

// firstAtLeast returns the first document whose _id is at or above operand, which is comparable.
func (l layout) firstAtLeast(operand bson.RawValue) int64 {
	return l.first(func(i int64) bool { return l.key.compare(l.spread.position(i), operand) >= 0 })
}

// firstAbove returns the first document whose _id is above operand, which is comparable.
func (l layout) firstAbove(operand bson.RawValue) int64 {
	return l.first(func(i int64) bool { return l.key.compare(l.spread.position(i), operand) > 0 })
}

func (l layout) first(holds func(int64) bool) int64 {
	return int64(sort.Search(int(l.spread.documents()), func(i int) bool { return holds(int64(i)) }))
}
