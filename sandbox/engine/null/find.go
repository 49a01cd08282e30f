package null

import (
	"encoding/binary"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// firstBatchDefault is how many documents find returns where it is not told.
const firstBatchDefault = 101

// batch is documents to be sent, as the reply to find or getMore.
type batch struct {
	field     string // firstBatch or nextBatch
	namespace string
	cursor    int64 // 0 when it is done
	documents []int64
	layout    layout
	bytes     int // of each document
	idOnly    bool
}

func (c *connection) find() (*batch, error) {
	body := c.request.body
	cursor, err := c.server.open(&c.request)
	if err != nil {
		return nil, err
	}
	limit, _ := body.Lookup("limit").AsInt64OK()
	one, _ := body.Lookup("singleBatch").BooleanOK()
	if limit < 0 {
		limit, one = -limit, true
	}
	cursor.limit = limit
	if limit == 1 || cursor.idOnly {
		c.server.counters.probes.Add(1)
	} else {
		c.server.counters.queries.Add(1)
	}
	size, given := body.Lookup("batchSize").AsInt64OK()
	if !given {
		size = firstBatchDefault
	}
	return c.advance(cursor, "firstBatch", size, one), nil
}

// open makes the cursor of a find command.
func (s *Server) open(r *request) (*cursor, error) {
	if skip, _ := r.body.Lookup("skip").AsInt64OK(); skip != 0 {
		return nil, refuse(codeBadValue, "the null engine skips nothing: a server would read all that is skipped")
	}
	cursor := &cursor{namespace: r.namespace(), collection: s.collection(r.namespace())}
	if cursor.collection == nil {
		cursor.collection = newCollection(s.layout, false)
	}
	var err error
	if cursor.descending, err = descending(r.body); err != nil {
		return nil, err
	}
	if cursor.idOnly, err = idOnly(r.body); err != nil {
		return nil, err
	}
	query, _ := r.body.Lookup("filter").DocumentOK()
	if query == nil {
		query = bson.Raw{5, 0, 0, 0, 0}
	}
	cursor.rest, err = s.layout.selects(query)
	return cursor, err
}

func descending(body bson.Raw) (bool, error) {
	sort, _ := body.Lookup("sort").DocumentOK()
	elements, err := sort.Elements()
	if len(sort) == 0 || err == nil && len(elements) == 0 {
		return false, nil
	}
	direction, ok := elements[0].Value().AsInt64OK()
	if err != nil || len(elements) > 1 || elements[0].Key() != "_id" || !ok || direction*direction != 1 {
		return false, refuse(codeBadValue, "the null engine sorts by _id only")
	}
	return direction < 0, nil
}

func idOnly(body bson.Raw) (bool, error) {
	projection, _ := body.Lookup("projection").DocumentOK()
	elements, err := projection.Elements()
	if len(projection) == 0 || err == nil && len(elements) == 0 {
		return false, nil
	}
	included, isBoolean := elements[0].Value().BooleanOK()
	n, _ := elements[0].Value().AsInt64OK()
	if err != nil || len(elements) > 1 || elements[0].Key() != "_id" || isBoolean && !included || !isBoolean && n == 0 {
		return false, refuse(codeBadValue, "the null engine projects to _id only")
	}
	return true, nil
}

func (c *connection) getMore() (*batch, error) {
	id, _ := c.request.body.Lookup("getMore").AsInt64OK()
	cursor := c.server.cursors.take(id)
	if cursor == nil {
		return nil, refuse(codeCursorNotFound, "cursor id %d not found", id)
	}
	c.server.counters.getMores.Add(1)
	size, given := c.request.body.Lookup("batchSize").AsInt64OK()
	if !given || size == 0 {
		size = maxSentBytes
	}
	return c.advance(cursor, "nextBatch", size, false), nil
}

// advance takes up to size documents from a cursor, which stays open unless it is done or the last was asked for.
func (c *connection) advance(cursor *cursor, field string, size int64, last bool) *batch {
	bytes := cursor.documentBytes()
	most := int64(max(1, maxSentBytes/(bytes+16)))
	c.batch = cursor.next(c.batch[:0], int(min(max(size, 0), most)))
	b := &batch{field: field, namespace: cursor.namespace, documents: c.batch, layout: cursor.collection.layout, bytes: bytes, idOnly: cursor.idOnly}
	if !last && !cursor.done() {
		c.server.cursors.keep(cursor)
		b.cursor = cursor.id
	}
	if cursor.idOnly {
		c.server.counters.entries.Add(int64(len(b.documents)))
	} else {
		c.server.counters.served.Add(int64(len(b.documents)))
	}
	c.server.counters.bytesOut.Add(int64(len(b.documents) * bytes))
	return b
}

// sendBatch writes a reply piece by piece: it need not be in memory whole.
func (c *connection) sendBatch(b batch) error {
	// {cursor: {id, ns, firstBatch: [documents]}, ok: 1}; each length is written before what it counts.
	array := 4 + digitsTo(len(b.documents)) + len(b.documents)*(2+b.bytes) + 1
	start := bsoncore.AppendHeader(nil, bson.TypeEmbeddedDocument, "cursor")
	open := bsoncore.AppendInt64Element(nil, "id", b.cursor)
	open = bsoncore.AppendStringElement(open, "ns", b.namespace)
	open = bsoncore.AppendHeader(open, bson.TypeArray, b.field)
	end := append(bsoncore.AppendDoubleElement([]byte{0, 0}, "ok", 1), 0) // of the array and of the cursor, and the rest
	inner := 4 + len(open) + array + 1
	body := 4 + len(start) + inner + len(end) - 2

	c.replies++
	message := wiremessage.AppendHeader(nil, int32(headerBytes+5+body), c.replies, c.request.id, wiremessage.OpMsg)
	message = append(message, 0, 0, 0, 0, byte(wiremessage.SingleDocument))
	message = append(binary.LittleEndian.AppendUint32(message, uint32(body)), start...)
	message = append(binary.LittleEndian.AppendUint32(message, uint32(inner)), open...)
	message = binary.LittleEndian.AppendUint32(message, uint32(array))
	if _, err := c.to.Write(message); err != nil {
		return err
	}
	for n, i := range b.documents {
		if err := c.sendElement(b, n, i); err != nil {
			return err
		}
	}
	_, err := c.to.Write(end)
	return err
}

// sendElement writes document i as the nth of an array.
func (c *connection) sendElement(b batch, n int, i int64) error {
	element := append(strconv.AppendInt(append(c.to.AvailableBuffer(), byte(bson.TypeEmbeddedDocument)), int64(n), 10), 0)
	if b.idOnly {
		_, err := c.to.Write(b.layout.appendIDOnly(element, i))
		return err
	}
	if kind := b.layout.altered.of(i); kind != "" {
		_, err := c.to.Write(b.layout.appendAltered(element, i, kind))
		return err
	}
	if _, err := c.to.Write(b.layout.appendHead(element, i)); err != nil {
		return err
	}
	_, err := c.to.Write(b.layout.tail)
	return err
}

// digitsTo is how many digits the numbers below n have together.
func digitsTo(n int) int {
	digits, total := 1, 0
	for first, next := 0, 10; first < n; first, next = next, next*10 {
		total += digits * (min(n, next) - first)
		digits++
	}
	return total
}

// count answers count, and those aggregations that only count.
func (c *connection) count() (bson.D, error) {
	body := c.request.body
	query, _ := body.Lookup("query").DocumentOK()
	reply := func(n int64) bson.D { return bson.D{{Key: "n", Value: n}, {Key: "ok", Value: 1.0}} }
	if c.request.name == "aggregate" {
		counting, err := parsePipeline(body)
		if err != nil {
			return nil, err
		}
		query = counting.query
		reply = func(n int64) bson.D {
			documents := bson.A{}
			if n > 0 {
				documents = append(documents, counting.result(n))
			}
			return cursorReply(c.request.namespace(), documents)
		}
	}
	if query == nil {
		query = bson.Raw{5, 0, 0, 0, 0}
	}
	selected, err := c.server.layout.selects(query)
	if err != nil {
		return nil, err
	}
	n := int64(0)
	if collection := c.server.collection(c.request.namespace()); collection != nil {
		for _, in := range selected {
			n += collection.countIn(in)
		}
	}
	return reply(n), nil
}

// cursorReply answers a command with documents that all fit into its first batch.
func cursorReply(namespace string, documents bson.A) bson.D {
	return bson.D{
		{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: namespace}, {Key: "firstBatch", Value: slices.Clip(documents)}}},
		{Key: "ok", Value: 1.0},
	}
}
