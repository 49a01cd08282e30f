package endpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// A server's reply holds at most this many document bytes, one document of its largest size included.
const maxReplyBytes = 16<<20 + 16<<10

// Find says which documents to read, in the order of _id.
type Find struct {
	Collection     string
	Queries        []bson.Raw // all of which a document must match
	Range          Range
	After          bson.RawValue // go on after the documents with this _id; Type 0: from the range's start
	Seen           []uint64      // of the documents with that _id, those that were read; none: all of them
	BatchDocuments int
	BatchBytes     int64
	DocumentBytes  int64           // a guess at the mean size, for the first batch; 0 for none
	IDs            bool            // of each document its _id alone
	Stopping       <-chan struct{} // closed: no more patience
}

// Array is the bytes of a BSON array of documents.
type Array []byte

// ErrEnd is what a [Cursor] returns after the last document of its range. It is not io.EOF: a connection that broke
// is that too, somewhere inside of its error, and taking one for the other loses what was not read.
var ErrEnd = errors.New("the end of the range")

// Batch is documents as the server sent them. It stays valid until it is dropped.
type Batch struct {
	Documents []bson.Raw
	Array     Array // what the documents are slices of
	Bytes     int64
	Last      bson.RawValue // the _id of the last one, in memory of its own
	Seen      []uint64      // to go on after this batch, with Last
	Cut       bool          // so many documents share that _id that one cannot go on after this batch
	Usage     Usage
}

// Cursor reads a [Find]. A cursor that the server lost, and whatever else can pass, is mended inside: reading
// goes on after the last document it returned. Not safe for concurrent use.
type Cursor struct {
	find     Find
	lane     *lane
	patience *patience
	id       int64
	opened   bool
	ended    bool
	last     bson.RawValue       // the _id of the last document returned
	seen     []uint64            // documents with that _id that were returned
	skipping bool                // documents that were returned are coming again
	cut      bool                // there are too many of them to know
	returned map[string]struct{} // what was returned, where reading cannot go on in the middle
	mean     float64             // bytes a document
	guessed  bool                // mean is what metadata says
	limit    int                 // of the find that is open; 0 for none
	found    int                 // documents that it has returned
	single   bool                // it is answered by one batch, whatever fits in there
	doubtful bool                // the last piece was short: by the range's end, or by the size of a reply
	clear    bool                // no other document has the last _id
	asked    int                 // documents of the batch that was asked for last
	message  []byte
	usage    Usage
}

// Find starts reading. Nothing is sent before the first Next.
func (r *Reader) Find(find Find) *Cursor {
	find.BatchDocuments = max(find.BatchDocuments, 1)
	if find.BatchBytes <= 0 {
		find.BatchBytes = maxReplyBytes
	}
	return &Cursor{
		ended:    find.After.Type != 0 && len(find.Seen) == 0 && single(find.Range.Bracket),
		find:     find,
		lane:     newLane(r, false, find.Stopping),
		patience: newPatience(r.config.Retry, find.Stopping),
		last:     find.After,
		seen:     find.Seen,
		mean:     float64(find.DocumentBytes),
		guessed:  true,
	}
}

// Expected is how many bytes the next batch will hold, as far as one can tell before asking.
func (c *Cursor) Expected() int64 {
	if c.mean == 0 {
		return min(c.find.BatchBytes, maxReplyBytes)
	}
	return min(int64(c.mean*float64(c.batchDocuments())), maxReplyBytes)
}

// SetBatch changes the size of the batches to come.
func (c *Cursor) SetBatch(documents int, bytes int64) {
	c.find.BatchDocuments, c.find.BatchBytes = max(documents, 1), max(bytes, 1)
}

func (c *Cursor) batchDocuments() int {
	bytes := c.find.BatchBytes
	if c.byPieces() {
		bytes = min(bytes, pieceBytes)
	}
	most, mean := c.lane.page(kindRead, c.find.Collection, bytes, c.mean, c.guessed)
	if mean > 0 {
		return max(1, min(c.find.BatchDocuments, int(most/mean)))
	}
	return c.find.BatchDocuments
}

// demand is what the next request will probably cost.
func (c *Cursor) demand() demand {
	return demand{collection: c.find.Collection, kind: kindRead, weight: readWeight(int64(c.mean * float64(c.asked))), stopping: c.find.Stopping}
}

// Last is the _id of the last document returned; Type 0 where there is none.
func (c *Cursor) Last() bson.RawValue { return c.last }

// Shrink lowers the range's upper bound: no document at or above it is returned from now on.
func (c *Cursor) Shrink(ctx context.Context, below Value) {
	c.kill(ctx)
	c.find.Range.Below = below
	c.opened, c.ended = false, false
}

// Next returns the next batch, which is not empty, or ErrEnd at the end of the range.
func (c *Cursor) Next(ctx context.Context) (Batch, error) {
	for {
		if c.ended {
			return Batch{}, ErrEnd
		}
		batch, err := c.request(ctx)
		if err == nil {
			c.patience.progress()
			if len(batch.Documents) == 0 {
				continue
			}
			batch.Usage, c.usage = c.usage, Usage{}
			return batch, nil
		}
		if err = c.recover(ctx, err); err != nil {
			return Batch{}, fmt.Errorf("connection %s: read %s: %w", c.lane.endpoint.Name(),
				c.lane.endpoint.Namespace(c.find.Collection), c.lane.endpoint.scrub(err))
		}
	}
}

// recover decides what follows a failed request: nil to try again.
func (c *Cursor) recover(ctx context.Context, err error) error {
	var refusal *CommandError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !Transient(err):
		return err
	case !errors.As(err, &refusal):
		c.opened = false // the cursor went with its connection
	case Throttled(refusal.Code, refusal.Message):
		c.usage.Throttled++ // nothing was read and the cursor stands
		c.opened = c.opened && refusal.Code == CodeRequestRateTooLarge
	default:
		c.opened = false
	}
	c.usage.Retries++
	return c.patience.wait(ctx, err)
}

// request sends find or getMore, once.
func (c *Cursor) request(ctx context.Context) (Batch, error) {
	if c.lane.connection == nil {
		c.opened = false
	}
	if err := c.lane.connect(ctx); err != nil {
		return Batch{}, err
	}
	message, err := c.command()
	if err != nil {
		return Batch{}, err
	}
	reply, err := c.lane.exchange(ctx, message, c.demand())
	if err != nil {
		return Batch{}, err
	}
	field := "nextBatch"
	if !c.opened {
		field = "firstBatch"
	}
	id, array, documents, err := readBatch(reply, field, c.asked)
	if err != nil {
		c.lane.fail(err)
		return Batch{}, err
	}
	c.opened, c.id, c.ended = true, id, id == 0
	switch c.found += len(documents); {
	case c.limit == 0 || !c.ended:
	case c.found >= c.limit:
		c.opened, c.ended, c.doubtful = false, false, false
		documents, array = c.peek(documents, array)
	case c.single && len(documents) > 0:
		c.opened, c.ended, c.doubtful = false, false, true
	}
	documents, array, err = c.accept(documents, array)
	if err != nil || len(documents) == 0 {
		return Batch{}, err
	}
	batch := Batch{Documents: documents, Array: array, Last: c.last, Seen: c.seen, Cut: c.cut}
	for _, d := range documents {
		batch.Bytes += int64(len(d))
	}
	return batch, nil
}

func (c *Cursor) command() ([]byte, error) {
	message, index, start := c.message[:0], int32(0), int32(0)
	index, start, message = appendMessageStart(message, 0)
	if c.opened {
		message = bsoncore.AppendInt64Element(message, "getMore", c.id)
		message = bsoncore.AppendStringElement(message, "collection", c.find.Collection)
	} else {
		c.skipping = len(c.seen) > 0 && !c.clear
		filter, err := c.filter()
		if err != nil {
			return nil, err
		}
		message = bsoncore.AppendStringElement(message, "find", c.find.Collection)
		message = bsoncore.AppendDocumentElement(message, "filter", filter)
		if c.find.IDs {
			projection, projected := bsoncore.AppendDocumentElementStart(message, "projection")
			message, _ = bsoncore.AppendDocumentEnd(bsoncore.AppendInt32Element(projected, "_id", 1), projection)
		}
		sort, sorted := bsoncore.AppendDocumentElementStart(message, "sort")
		message, _ = bsoncore.AppendDocumentEnd(bsoncore.AppendInt32Element(sorted, "_id", 1), sort)
	}
	c.asked = c.batchDocuments()
	if c.skipping {
		c.asked++ // what is left out, or whether there is more with its _id
	}
	if !c.opened {
		if c.limit, c.found, c.clear = 0, 0, false; c.byPieces() {
			c.asked++ // see peek
			c.limit = c.asked
			message = bsoncore.AppendInt32Element(message, "limit", int32(c.limit))
			if c.single = !c.doubtful; c.single {
				message = bsoncore.AppendBooleanElement(message, "singleBatch", true)
			}
		}
	}
	message = bsoncore.AppendInt32Element(message, "batchSize", int32(c.asked))
	message = c.lane.appendTail(message, !c.opened)
	message, err := bsoncore.AppendDocumentEnd(message, start)
	if err != nil {
		return nil, err
	}
	c.message = bsoncore.UpdateLength(message, index, int32(len(message))-index)
	return c.message, nil
}

func (c *Cursor) filter() (bson.Raw, error) {
	return combine(c.find.Range.filter(c.last, !c.clear && (c.cut || len(c.seen) > 0)), c.find.Queries)
}

// combine makes one filter of a range's and the queries'.
func combine(inRange bson.D, queries []bson.Raw) (bson.Raw, error) {
	conditions := bson.A{}
	if len(inRange) > 0 {
		conditions = append(conditions, inRange)
	}
	for _, q := range queries {
		if len(q) > 5 { // not {}
			conditions = append(conditions, q)
		}
	}
	switch len(conditions) {
	case 0:
		return bson.Marshal(bson.D{})
	case 1:
		return bson.Marshal(conditions[0])
	}
	return bson.Marshal(bson.D{{Key: "$and", Value: conditions}})
}

// Close gives the connection back, and the cursor where the server still holds one.
func (c *Cursor) Close(ctx context.Context) {
	c.kill(ctx)
	c.lane.close()
}

// kill frees the server's cursor. The server drops forgotten ones by itself; this only does it sooner, and is not
// worth much waiting.
func (c *Cursor) kill(ctx context.Context) {
	if !c.opened || c.ended || c.lane.connection == nil || ctx.Err() != nil {
		return
	}
	c.lane.killCursor(ctx, c.find.Collection, c.id)
	c.opened = false
}

// readBatch walks the length prefixes of a reply's batch. The documents are slices of the reply.
func readBatch(reply bsoncore.Document, field string, expected int) (id int64, array Array, documents []bson.Raw, err error) {
	cursor, ok := reply.Lookup("cursor").DocumentOK()
	if !ok {
		return 0, nil, nil, errBadReply
	}
	if id, ok = cursor.Lookup("id").AsInt64OK(); !ok {
		return 0, nil, nil, errBadReply
	}
	list, ok := cursor.Lookup(field).ArrayOK()
	if !ok || len(list) < 5 {
		return 0, nil, nil, errBadReply
	}
	documents = make([]bson.Raw, 0, expected)
	for rest := list[4 : len(list)-1]; len(rest) > 0; {
		if rest[0] != byte(bson.TypeEmbeddedDocument) {
			return 0, nil, nil, errBadReply
		}
		key := 1
		for key < len(rest) && rest[key] != 0 {
			key++
		}
		if key+5 > len(rest) {
			return 0, nil, nil, errBadReply
		}
		rest = rest[key+1:]
		length := int64(binary.LittleEndian.Uint32(rest))
		if length < 5 || length > int64(len(rest)) {
			return 0, nil, nil, errBadReply
		}
		documents = append(documents, bson.Raw(rest[:length:length]))
		rest = rest[length:]
	}
	return id, Array(list), documents, nil
}
