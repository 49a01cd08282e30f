package steps

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/bson"
)

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

// canonicalForm has _id first, where servers move it, and else the bytes as they are stored.
func canonicalForm(document bson.Raw, scratch []byte) (canonical, reuse []byte) {
	if len(document) > 9 && document[5] == '_' && document[6] == 'i' && document[7] == 'd' && document[8] == 0 {
		return document, scratch
	}
	rest, id, ok := withoutID(document)
	if !ok || id == nil {
		return document, scratch
	}
	scratch = binary.LittleEndian.AppendUint32(scratch[:0], uint32(len(document)))
	scratch = append(scratch, id...)
	scratch = append(scratch, rest...)
	scratch = append(scratch, 0)
	return scratch, scratch
}
