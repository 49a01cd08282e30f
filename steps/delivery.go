package steps

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"

	"vida/endpoint"
	"vida/plans"
	"vida/plans/expression"
)

// delivery inserts parcels into one collection and settles what the target does not take: a duplicate is
// compared with what is there, anything else is a rejected document.
type delivery struct {
	writer     *endpoint.Writer
	inserter   *endpoint.Inserter
	collection string
	onConflict string
	transform  expression.Worker // nil: documents pass as they are

	// Reused from parcel to parcel.
	documents []bson.Raw
	changed   []byte
}

func (d *delivery) close() { d.inserter.Close() }

func (d *delivery) deliver(ctx context.Context, p parcel) (Counts, []Reject, error) {
	counts := Counts{Read: int64(len(p.documents))}
	for _, document := range p.documents {
		counts.Bytes += int64(len(document))
	}
	documents, array, rejects := p.documents, p.array, []Reject(nil)
	if d.transform != nil {
		array = nil
		documents, rejects = d.transformed(p.documents, &counts)
	}
	inserted, err := d.inserter.Insert(ctx, documents, array)
	counts.Throttled += inserted.Usage.Throttled
	counts.Retries += inserted.Usage.Retries
	if err != nil {
		return counts, nil, err
	}
	counts.Inserted += int64(len(documents) - len(inserted.Errors))
	if len(inserted.Errors) > 0 {
		settled, err := d.settle(ctx, documents, inserted.Errors, &counts)
		if err != nil {
			return counts, nil, err
		}
		rejects = append(rejects, settled...)
	}
	counts.Rejected += int64(len(rejects))
	return counts, rejects, nil
}

// transformed applies filter, set and unset. A document on which an expression fails is rejected.
func (d *delivery) transformed(documents []bson.Raw, counts *Counts) ([]bson.Raw, []Reject) {
	var rejects []Reject
	kept := d.documents[:0]
	offsets := make([]int, 0, len(documents))
	d.changed = d.changed[:0]
	for _, document := range documents {
		out, keep, err := d.transform.Apply(document)
		switch {
		case err != nil:
			rejects = append(rejects, d.reject(document, 0, err.Error()))
			continue
		case !keep:
			counts.Filtered++
			continue
		}
		if &out[0] == &document[0] {
			kept, offsets = append(kept, document), append(offsets, -1)
			continue
		}
		kept, offsets = append(kept, nil), append(offsets, len(d.changed))
		d.changed = append(d.changed, out...)
	}
	for n, offset := range offsets { // only now does the buffer no longer move
		if offset >= 0 {
			length := int(binary.LittleEndian.Uint32(d.changed[offset:]))
			kept[n] = d.changed[offset : offset+length]
		}
	}
	d.documents = kept
	return kept, rejects
}

func (d *delivery) reject(document bson.Raw, code int32, message string) Reject {
	id, _ := endpoint.IDOf(document)
	return Reject{Namespace: d.writer.Namespace(d.collection), ID: endpoint.IDText(id), Code: int(code), Message: message}
}

// settle decides what the failed documents of a batch are.
func (d *delivery) settle(ctx context.Context, documents []bson.Raw, failed []endpoint.WriteError, counts *Counts) ([]Reject, error) {
	var rejects []Reject
	var duplicates []endpoint.WriteError
	for _, f := range failed {
		if f.Code == endpoint.CodeDuplicateKey {
			duplicates = append(duplicates, f)
			continue
		}
		rejects = append(rejects, d.reject(documents[f.Index], f.Code, f.Message))
	}
	for len(duplicates) > 0 {
		some := d.lookupSize(documents, duplicates)
		more, err := d.settleDuplicates(ctx, documents, duplicates[:some], counts)
		if err != nil {
			return nil, err
		}
		rejects = append(rejects, more...)
		duplicates = duplicates[some:]
	}
	return rejects, nil
}

// lookupSize is how many duplicates to fetch at a time, so that what comes back stays small.
func (d *delivery) lookupSize(documents []bson.Raw, duplicates []endpoint.WriteError) int {
	const mostBytes, mostDocuments = 8 << 20, 2000
	size := 0
	for n, f := range duplicates {
		size += len(documents[f.Index])
		if n > 0 && (size > mostBytes || n >= mostDocuments) {
			return n
		}
	}
	return len(duplicates)
}

// settleDuplicates asks the target what it has. Which index a duplicate key error is about is not read from its
// message, which differs from server to server: a document of this _id is there, or it is not.
func (d *delivery) settleDuplicates(ctx context.Context, documents []bson.Raw, duplicates []endpoint.WriteError, counts *Counts) ([]Reject, error) {
	ids := make([]bson.RawValue, 0, len(duplicates))
	for _, f := range duplicates {
		id, _ := endpoint.IDOf(documents[f.Index])
		ids = append(ids, id)
	}
	found, err := d.writer.FindByID(ctx, d.collection, ids)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bson.Raw, len(found))
	for _, document := range found {
		id, _ := endpoint.IDOf(document)
		there[identityKey(id)] = document
	}
	var rejects []Reject
	for n, f := range duplicates {
		document := documents[f.Index]
		present, ok := there[identityKey(ids[n])]
		switch {
		case !ok: // another unique index
			rejects = append(rejects, d.reject(document, f.Code, f.Message))
		case sameDocument(document, present):
			counts.Identical++
		case d.onConflict == plans.ConflictSkip:
			counts.Skipped++
		case d.onConflict == plans.ConflictReplace:
			if err := d.writer.Replace(ctx, d.collection, document); err != nil {
				if endpoint.Code(err) == 0 {
					return nil, err
				}
				rejects = append(rejects, d.reject(document, endpoint.Code(err), err.Error()))
				continue
			}
			counts.Replaced++
		default:
			rejects = append(rejects, d.reject(document, f.Code, "the target has a document with this _id that differs (on_conflict: fail)"))
		}
	}
	return rejects, nil
}

// identityKey is equal for values that are one and the same _id to a server: 5 and 5.0 are.
func identityKey(id bson.RawValue) string {
	switch id.Type {
	case bsontype.Int32, bsontype.Int64:
		return "n" + strconv.FormatInt(id.AsInt64(), 10)
	case bsontype.Double:
		if f := id.Double(); f == float64(int64(f)) {
			return "n" + strconv.FormatInt(int64(f), 10)
		}
	}
	return string(append([]byte{byte(id.Type)}, id.Value...))
}

// sameDocument compares byte for byte, but for the place of _id, which servers move to the front.
func sameDocument(a, b bson.Raw) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	withoutA, idA, okA := withoutID(a)
	withoutB, idB, okB := withoutID(b)
	return okA && okB && bytes.Equal(idA, idB) && bytes.Equal(withoutA, withoutB)
}

// withoutID returns a document's elements without _id, and the _id element.
func withoutID(document bson.Raw) (rest, id []byte, ok bool) {
	elements, err := document.Elements()
	if err != nil {
		return nil, nil, false
	}
	for _, e := range elements {
		if id == nil && e.Key() == "_id" {
			id = e
			continue
		}
		rest = append(rest, e...)
	}
	return rest, id, true
}
