package endpoint

import (
	"encoding/binary"

	"go.mongodb.org/mongo-driver/bson"
)

// Where a sorted cursor is written out whole before its first batch, as DocumentDB does, a range is read by limited
// finds one after the other, each of which goes on in the _id index where the last one ended. A find that is to be
// answered by a single batch costs such a server half as much; but what does not fit in a reply is left out of it, as
// at the end of the range. So after a short piece comes one with a cursor, which tells.

// pieceBytes is how large a piece should be: for one of 1.6 MB or more DocumentDB takes half as much again a document.
const pieceBytes = 5 << 18

// byPieces tells whether the range is read so: it must be possible to go on anywhere in it, and by its index alone.
func (c *Cursor) byPieces() bool {
	switch bracket := c.find.Range.Bracket; {
	case bracket == "", bracket == BracketOther, single(bracket):
		return false
	}
	return c.lane.endpoint.info.SpoolsSorted && len(c.find.Queries) == 0 && !c.cut
}

// peek leaves the last document of a piece to the next one. It was asked for to see that it has another _id than the
// one before: then nothing else has that, and reading can go on above it.
func (c *Cursor) peek(documents []bson.Raw, array Array) ([]bson.Raw, Array) {
	last := len(documents) - 1
	if last < 1 {
		return documents, array
	}
	before, _ := IDOf(documents[last-1])
	if id, _ := IDOf(documents[last]); SameID(before, id) {
		return documents, array
	}
	c.clear = true
	return documents[:last], array.without(documents[last])
}

// without shortens an array by its last document, in place.
func (a Array) without(last bson.Raw) Array {
	end := len(a) - 1 - len(last) - 1 // on the zero of the last element's key
	for end--; a[end] != 0x03; end-- {
		// over the digits of the key, to the type before it
	}
	a[end] = 0
	a = a[: end+1 : end+1]
	binary.LittleEndian.PutUint32(a, uint32(len(a)))
	return a
}
