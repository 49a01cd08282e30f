package idindex

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"vida/sandbox/wire"
)

const (
	// The server's own cursors are numbers of 32 bits.
	firstCursor = int64(1) << 40
	// As servers do, they forget cursors that nobody asks for.
	cursorKeptFor = 10 * time.Minute
	// Of documents in a batch: what a message holds with room to spare.
	mostBatchBytes = 16 << 20
)

// cursors are finds that are not read to their end.
type cursors struct {
	mu   sync.Mutex
	last int64
	open map[int64]*cursor
}

type cursor struct {
	namespace string
	rest      []entry
	onlyID    bool
	used      time.Time
}

func newCursors() cursors { return cursors{last: firstCursor, open: map[int64]*cursor{}} }

// first answers a find.
func (s *cursors) first(namespace string, q query, found []entry) (*wire.Reply, error) {
	if q.limit > 0 && len(found) > q.limit {
		if q.backward {
			found = found[len(found)-q.limit:]
		} else {
			found = found[:q.limit]
		}
	}
	if q.backward {
		found = slices.Clone(found)
		slices.Reverse(found)
	}
	c := &cursor{namespace: namespace, rest: found, onlyID: q.onlyID}
	batch := c.take(q.batch, q.batch == 0)
	id := int64(0)
	if len(c.rest) > 0 && !q.single {
		id = s.keep(c)
	}
	return batchReply("firstBatch", namespace, id, batch, q.onlyID), nil
}

// take removes the next batch; count 0 is as many as fit, or none.
func (c *cursor) take(count int, none bool) []entry {
	size, n := 0, 0
	for ; n < len(c.rest) && !none && (count == 0 || n < count); n++ {
		size += len(c.rest[n].document)
		if n > 0 && size > mostBatchBytes {
			break
		}
	}
	batch := c.rest[:n]
	c.rest = c.rest[n:]
	return batch
}

func (s *cursors) keep(c *cursor) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.open {
		if time.Since(old.used) > cursorKeptFor {
			delete(s.open, id)
		}
	}
	s.last++
	c.used = time.Now()
	s.open[s.last] = c
	return s.last
}

// getMore answers from a cursor of the index's own, or lets the server answer.
func (x *Index) getMore(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	id, _ := command.Body.Lookup("getMore").AsInt64OK()
	if id < firstCursor {
		return next(ctx, command)
	}
	s := &x.cursors
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.open[id]
	if c == nil || c.namespace != command.Namespace() {
		return wire.ErrorReply(43, "CursorNotFound", "cursor id not found"), nil
	}
	count, _ := command.Body.Lookup("batchSize").AsInt64OK()
	batch := c.take(int(count), false)
	c.used = time.Now()
	if len(c.rest) == 0 {
		delete(s.open, id)
		id = 0
	}
	return batchReply("nextBatch", c.namespace, id, batch, c.onlyID), nil
}

// killCursors ends the index's own cursors; a command that names others as well goes to the server with those.
func (x *Index) killCursors(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	array, _ := command.Body.Lookup("cursors").ArrayOK()
	values, _ := array.Values()
	own, others := bson.A{}, bson.A{}
	s := &x.cursors
	s.mu.Lock()
	for _, value := range values {
		if id, _ := value.AsInt64OK(); id >= firstCursor {
			delete(s.open, id)
			own = append(own, id)
		} else {
			others = append(others, id)
		}
	}
	s.mu.Unlock()
	if len(own) == 0 {
		return next(ctx, command)
	}
	if len(others) > 0 {
		if _, err := ask(ctx, bson.D{{Key: "killCursors", Value: command.Collection()}, {Key: "cursors", Value: others}, {Key: "$db", Value: command.Database()}}, next); err != nil {
			return nil, err
		}
	}
	return wire.MarshalReply(bson.D{
		{Key: "cursorsKilled", Value: append(own, others...)},
		{Key: "cursorsNotFound", Value: bson.A{}},
		{Key: "cursorsAlive", Value: bson.A{}},
		{Key: "cursorsUnknown", Value: bson.A{}},
		{Key: "ok", Value: 1.0},
	})
}

func batchReply(field, namespace string, id int64, batch []entry, onlyID bool) *wire.Reply {
	array := bsoncore.NewArrayBuilder()
	for _, e := range batch {
		document := bsoncore.Document(e.document)
		if onlyID {
			document = bsoncore.NewDocumentBuilder().AppendValue("_id", bsoncore.Value{Type: e.id.Type, Data: e.id.Value}).Build()
		}
		array.AppendDocument(document)
	}
	cursor := bsoncore.NewDocumentBuilder().AppendArray(field, array.Build()).AppendInt64("id", id).AppendString("ns", namespace).Build()
	return wire.NewReply(bson.Raw(bsoncore.NewDocumentBuilder().AppendDocument("cursor", cursor).AppendDouble("ok", 1).Build()))
}
