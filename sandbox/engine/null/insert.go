package null

import (
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/bson"
)

// insert checks every document and keeps that it came. A wrong one is refused as a server refuses a document
// that fails its validation, one that is there already as a duplicate key.
func (c *connection) insert() (bson.D, error) {
	collection, _ := c.server.create(c.request.namespace())
	ordered, given := c.request.body.Lookup("ordered").BooleanOK()
	ordered = ordered || !given
	counters := &c.server.counters
	counters.inserts.Add(1)

	var inserted int32
	var failures bson.A
	var received, bytes int64
	for n := int32(0); ; n++ {
		document, err := c.request.next("documents")
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		received++
		bytes += int64(len(document))
		failure := c.insertOne(collection, document)
		if failure == nil {
			inserted++
			continue
		}
		failures = append(failures, append(bson.D{{Key: "index", Value: n}}, failure...))
		if ordered {
			break
		}
	}
	counters.checked.Add(received)
	counters.bytesIn.Add(bytes)
	return writeReply(inserted, failures), nil
}

// insertOne returns the fields of a write error, or nil.
func (c *connection) insertOne(collection *collection, document bson.Raw) bson.D {
	l := &collection.layout
	if c.expected == nil {
		c.expected = make([]byte, 0, l.head)
	}
	i, at, ok := l.recognise(document, c.expected)
	if !ok {
		what := fmt.Sprintf("a document of %d bytes, unlike what its _id makes it from byte %d", len(document), at)
		if i >= 0 {
			what = fmt.Sprintf("document %d: %s", i, what)
		}
		c.server.counters.sentWrong(what)
		return bson.D{{Key: "code", Value: int32(codeDocumentValidationFailed)}, {Key: "errmsg", Value: "Document failed validation: " + what}}
	}
	if collection.add(i) {
		return nil
	}
	c.server.counters.doubled.Add(1)
	id := document.Lookup("_id")
	return bson.D{
		{Key: "code", Value: int32(codeDuplicateKey)},
		{Key: "keyPattern", Value: bson.D{{Key: "_id", Value: int32(1)}}},
		{Key: "keyValue", Value: bson.D{{Key: "_id", Value: bson.RawValue{Type: id.Type, Value: append([]byte(nil), id.Value...)}}}},
		{Key: "errmsg", Value: fmt.Sprintf("E11000 duplicate key error collection: %s index: _id_ dup key: { _id: %v }", c.request.namespace(), id)},
	}
}

// remove deletes by _id.
func (c *connection) remove() (bson.D, error) {
	collection := c.server.collection(c.request.namespace())
	var removed int32
	for {
		operation, err := c.request.next("deletes")
		if errors.Is(err, io.EOF) {
			return writeReply(removed, nil), nil
		}
		if err != nil {
			return nil, err
		}
		query, _ := operation.Lookup("q").DocumentOK()
		selected, err := c.server.layout.selects(query)
		if err != nil {
			return nil, err
		}
		if collection == nil {
			continue
		}
		if collection.whole {
			return nil, refuse(codeBadValue, "the null engine's source cannot be changed")
		}
		limit, _ := operation.Lookup("limit").AsInt64OK()
		for _, in := range selected {
			for i := in.first; i < in.end; i++ {
				if collection.remove(i) {
					removed++
					if limit == 1 {
						break
					}
				}
			}
		}
	}
}

func writeReply(n int32, failures bson.A) bson.D {
	reply := bson.D{{Key: "n", Value: n}}
	if len(failures) > 0 {
		reply = append(reply, bson.E{Key: "writeErrors", Value: failures})
	}
	return append(reply, bson.E{Key: "ok", Value: 1.0})
}
