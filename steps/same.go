package steps

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// sameDocument compares byte for byte, but for the place of _id, which servers move to the front.
func sameDocument(a, b bson.Raw) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	beforeA, idA, afterA, okA := aroundID(a)
	beforeB, idB, afterB, okB := aroundID(b)
	if !okA || !okB || !bytes.Equal(idA, idB) {
		return false
	}
	if len(beforeA) > len(beforeB) {
		beforeA, afterA, beforeB, afterB = beforeB, afterB, beforeA, afterA
	}
	// What comes before in the one may come after in the other, in this order.
	between := len(beforeB) - len(beforeA)
	return bytes.Equal(beforeA, beforeB[:len(beforeA)]) &&
		bytes.Equal(afterA[:between], beforeB[len(beforeA):]) &&
		bytes.Equal(afterA[between:], afterB)
}

// aroundID cuts a document's elements into those before _id, _id, and those after it.
func aroundID(document bson.Raw) (before, id, after []byte, ok bool) {
	if len(document) < 5 || int(binary.LittleEndian.Uint32(document)) != len(document) {
		return nil, nil, nil, false
	}
	elements := document[4 : len(document)-1]
	for rest := []byte(elements); len(rest) > 0; {
		element, next, read := bsoncore.ReadElement(rest)
		if !read {
			return nil, nil, nil, false
		}
		if key, err := element.KeyBytesErr(); err == nil && string(key) == "_id" {
			return elements[:len(elements)-len(rest)], element, next, true
		}
		rest = next
	}
	return nil, nil, nil, false
}
