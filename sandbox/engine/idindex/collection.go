package idindex

import (
	"bytes"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// entry is a document and its _id, which shares the document's memory.
type entry struct {
	id       bson.RawValue
	document bson.Raw
}

// newEntry copies a document; false where its _id is not its first field, or of a type that has no order here.
func newEntry(document bson.Raw) (entry, bool) {
	document = bytes.Clone(document)
	first, err := document.IndexErr(0)
	if err != nil || first.Key() != "_id" {
		return entry{}, false
	}
	id := first.Value()
	return entry{id, document}, rank(id) != 0
}

// What is known of a collection.
type knowledge int

const (
	unknown knowledge = iota
	held              // every document is here
	left              // to the server, until it is dropped or emptied
)

// collection holds documents.
type collection struct {
	writing sync.RWMutex // read-locked by inserts, locked by what needs to see none of them under way

	mu     sync.Mutex
	known  knowledge
	sorted []entry // never altered: cursors read it
	added  []entry // since
	bytes  int64
}

func (c *collection) unknown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known == unknown
}

func (c *collection) forget() { c.set(unknown) }
func (c *collection) leave()  { c.set(left) }

func (c *collection) set(known knowledge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.sorted, c.added, c.bytes = known, nil, nil, 0
}

// hold makes these all the documents there are.
func (c *collection) hold(all []entry) {
	c.set(held)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added = all
	for _, e := range all {
		c.bytes += int64(len(e.document))
	}
}

// inserted adds what an insert has written; false where that is not plain.
func (c *collection) inserted(command *wire.Command, reply *wire.Reply, mostBytes int64) bool {
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known != held {
		return known == left
	}
	operations, err := command.Operations()
	if err != nil {
		return false
	}
	failed := map[int64]bool{}
	end := int64(len(operations))
	if errors, ok := reply.Document().Lookup("writeErrors").ArrayOK(); ok {
		values, err := errors.Values()
		if err != nil {
			return false
		}
		for _, value := range values {
			document, _ := value.DocumentOK()
			index, ok := document.Lookup("index").AsInt64OK()
			if !ok {
				return false
			}
			failed[index] = true
			if command.Ordered() {
				end = min(end, index)
			}
		}
	}
	var written []entry
	size, foreign := int64(0), false
	for n, document := range operations[:end] {
		if failed[int64(n)] {
			continue
		}
		e, ok := newEntry(document)
		foreign = foreign || !ok
		written = append(written, e)
		size += int64(len(document))
	}
	if n, ok := reply.Document().Lookup("n").AsInt64OK(); !ok || int(n) != len(written) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if foreign || c.bytes+size > mostBytes {
		c.known, c.sorted, c.added, c.bytes = left, nil, nil, 0
		return true
	}
	c.added = append(c.added, written...)
	c.bytes += size
	return true
}

// snapshot is every document in the order of _id; false where they are not all here.
func (c *collection) snapshot() ([]entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known != held {
		return nil, false
	}
	if len(c.added) > 0 {
		slices.SortStableFunc(c.added, func(a, b entry) int { return compare(a.id, b.id) })
		c.sorted, c.added = merge(c.sorted, c.added), nil
	}
	return c.sorted, true
}

func merge(a, b []entry) []entry {
	merged := make([]entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0].id, b[0].id) <= 0 {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
