package endpoint

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cespare/xxhash/v2"
	"go.mongodb.org/mongo-driver/bson"
)

// Documents may share an _id: on a sharded collection, be it of Cosmos DB or of MongoDB, an _id is unique only
// within a value of the shard key. A batch may end between two such documents, and reading that went on above its
// last _id, after a lost cursor or by the next run, would lose the second one. Therefore reading goes on at the last
// _id, and leaves out what was returned with it.

// Documents with one _id that are known apart. With more of them, reading goes on at the first one.
const mostSeen = 4096

// accept leaves out what was returned before, and keeps account of what is returned now.
func (c *Cursor) accept(documents []bson.Raw, array Array) ([]bson.Raw, Array, error) {
	if len(documents) == 0 {
		return nil, nil, nil
	}
	if mean := meanSize(documents); c.guessed || c.mean == 0 {
		c.mean, c.guessed = mean, false
	} else {
		c.mean = (c.mean + mean) / 2
	}
	fresh := documents
	switch {
	case c.find.Range.Bracket == BracketOther:
		fresh = c.unreturned(documents)
	case c.skipping:
		fresh = c.unseen(documents)
	}
	if len(fresh) != len(documents) {
		array = nil
	}
	if len(fresh) == 0 {
		return nil, nil, nil
	}
	last, ok := IDOf(fresh[len(fresh)-1])
	if !ok {
		return nil, nil, errors.New("a document without _id")
	}
	c.see(fresh, last)
	return fresh, array, nil
}

// unseen leaves out those of the documents with the last _id that were returned.
func (c *Cursor) unseen(documents []bson.Raw) []bson.Raw {
	first := 0
	for first < len(documents) {
		if id, _ := IDOf(documents[first]); !SameID(id, c.last) {
			break
		}
		first++
	}
	c.skipping = first == len(documents) && !c.ended
	if first == 1 && len(c.seen) == 1 && !c.skipping {
		return documents[1:] // the one that was returned, though it may have changed since
	}
	var fresh []bson.Raw
	for _, d := range documents[:first] {
		if !slices.Contains(c.seen, xxhash.Sum64(d)) {
			fresh = append(fresh, d)
		}
	}
	if len(fresh) == 0 {
		return documents[first:]
	}
	return append(fresh, documents[first:]...)
}

// see remembers the documents with the last _id.
func (c *Cursor) see(documents []bson.Raw, last bson.RawValue) {
	start := len(documents) - 1
	for start > 0 {
		if id, _ := IDOf(documents[start-1]); !SameID(id, last) {
			break
		}
		start--
	}
	goesOn := start == 0 && c.last.Type != 0 && SameID(c.last, last)
	if !goesOn {
		c.seen, c.cut = nil, false
	}
	c.last = CloneValue(last)
	seen := slices.Clip(c.seen) // the one of the batch before stays as it is
	for _, d := range documents[start:] {
		seen = append(seen, xxhash.Sum64(d))
	}
	if c.cut = c.cut || len(seen) > mostSeen; c.cut {
		seen = nil
	}
	c.seen = seen
}

func meanSize(documents []bson.Raw) float64 {
	bytes := 0
	for _, d := range documents {
		bytes += len(d)
	}
	return float64(bytes) / float64(len(documents))
}

// unreturned leaves out what was returned before, of a range that is always read from its start. The types of _id
// that this is about are deprecated and few.
func (c *Cursor) unreturned(read []bson.Raw) []bson.Raw {
	if c.returned == nil {
		c.returned = map[string]struct{}{}
	}
	fresh := read[:0:0]
	for _, document := range read {
		id, _ := IDOf(document)
		key := string(binary.LittleEndian.AppendUint64(append([]byte{byte(id.Type)}, id.Value...), xxhash.Sum64(document)))
		if _, before := c.returned[key]; !before {
			c.returned[key] = struct{}{}
			fresh = append(fresh, document)
		}
	}
	return fresh
}
