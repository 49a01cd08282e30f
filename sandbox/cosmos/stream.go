package cosmos

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"vida/sandbox/wire"
)

const (
	codeInvalidOptions     = 72
	codeInvalidResumeToken = 260

	// Change streams are counted from here, apart from the cursors of pages.
	firstStreamID = 1<<62 + 1<<60
	// A stream without news answers after this long, unless the client asks for another time.
	streamPatience  = time.Second
	streamPoll      = 10 * time.Millisecond
	streamBatch     = 101 // documents in a first page, as of any cursor
	streamKeptFor   = 10 * time.Minute
	fetchedTogether = 200
)

// stream is a change stream that a client reads.
type stream struct {
	namespace string
	whole     bool      // of the collection, and not of one partition
	used      time.Time // guarded by streams

	mu sync.Mutex
	at token
}

// streams are those that are open, by the id of their cursor.
type streams struct {
	mu   sync.Mutex
	last int64
	open map[int64]*stream
}

func (s *streams) add(opened *stream) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.open {
		if time.Since(old.used) > streamKeptFor {
			delete(s.open, id)
		}
	}
	if s.open == nil {
		s.open, s.last = map[int64]*stream{}, firstStreamID
	}
	s.last++
	opened.used = time.Now()
	s.open[s.last] = opened
	return s.last
}

func (s *streams) get(id int64) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.open[id]
	if found != nil {
		found.used = time.Now()
	}
	return found
}

func (s *streams) drop(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.open[id]
	delete(s.open, id)
	return found
}

// changeStreamTokens answers GetChangeStreamTokens: where the stream of each physical partition begins.
func (d *Double) changeStreamTokens(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	collection, _ := command.Body.Lookup("collection").StringValueOK()
	f, refusal, err := d.feedOf(ctx, command, collection, next)
	if refusal != nil || err != nil {
		return refusal, err
	}
	after := 0
	if !fromTheBeginning(command.Body.Lookup("startAtOperationTime")) {
		after = f.end()
	}
	tokens := bson.A{}
	count := d.account.count()
	for partition := range count {
		document, err := token{command.Database() + "." + collection, []position{{rangeOf(partition, count), after}}}.document()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, document)
	}
	return wire.MarshalReply(bson.D{{Key: "resumeAfterTokens", Value: tokens}, {Key: "ok", Value: 1.0}})
}

func fromTheBeginning(when bson.RawValue) bool {
	seconds, _, ok := when.TimestampOK()
	return ok && seconds == 0
}

// feedOf is a collection's feed, with every document in it that is there now.
func (d *Double) feedOf(ctx context.Context, command *wire.Command, collection string, next wire.Next) (*feed, *wire.Reply, error) {
	f := d.feeds.make(command.Database() + "." + collection)
	// What is written meanwhile waits to be told, and is told as the last.
	f.mu.Lock()
	defer f.mu.Unlock()
	own := bson.D{
		{Key: "find", Value: collection}, {Key: "sort", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "projection", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "batchSize", Value: 10_000},
	}
	refusal, err := eachDocument(ctx, command, own, next, func(document bson.Raw) {
		f.foundLocked([]bson.RawValue{document.Lookup("_id")})
	})
	return f, refusal, err
}

// eachDocument reads a find of the double's own to its end, in the session of the client's command.
func eachDocument(ctx context.Context, command *wire.Command, find bson.D, next wire.Next, each func(bson.Raw)) (*wire.Reply, error) {
	name := find[0].Value
	for field := "firstBatch"; ; field = "nextBatch" {
		find = append(find, bson.E{Key: "$db", Value: command.Database()})
		if session := command.Body.Lookup("lsid"); session.Type != 0 {
			find = append(find, bson.E{Key: "lsid", Value: session})
		}
		body, err := bson.Marshal(find)
		if err != nil {
			return nil, err
		}
		own, err := wire.NewCommand(body)
		if err != nil {
			return nil, err
		}
		reply, err := next(ctx, own)
		if err != nil {
			return nil, err
		}
		if !reply.OK() {
			return reply, nil
		}
		batch, _, err := parsePage(reply.Document(), field)
		if err != nil {
			return nil, err
		}
		for _, document := range batch.documents {
			each(document)
		}
		if batch.id == 0 {
			return nil, nil
		}
		find = bson.D{{Key: "getMore", Value: batch.id}, {Key: "collection", Value: name}, {Key: "batchSize", Value: 10_000}}
	}
}

// isChangeStream tells whether an aggregation is one.
func isChangeStream(command *wire.Command) bool {
	list := stages(command)
	return len(list) > 0 && list[0].name == "$changeStream"
}

// watch opens a change stream and answers with its first page.
func (d *Double) watch(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	list := stages(command)
	specification, _ := list[0].spec.DocumentOK()
	if full, _ := specification.Lookup("fullDocument").StringValueOK(); full != "updateLookup" {
		return wire.ErrorReply(codeBadValue, "BadValue", "Change stream's fullDocument must be updateLookup."), nil
	}
	if len(list) != 3 || list[1].name != "$match" || list[2].name != "$project" {
		return wire.ErrorReply(codeBadValue, "BadValue", "Change stream must be followed by a match and then a project stage."), nil
	}
	f, refusal, err := d.feedOf(ctx, command, command.Collection(), next)
	if refusal != nil || err != nil {
		return refusal, err
	}
	opened := &stream{namespace: command.Namespace(), at: token{Namespace: command.Namespace()}}
	resume, resumed := specification.Lookup("resumeAfter").DocumentOK()
	switch {
	case resumed:
		if opened.at, err = parseToken(resume, opened.namespace); err != nil {
			return wire.ErrorReply(codeInvalidResumeToken, "InvalidResumeToken", "Invalid resume token: "+err.Error()), nil //nolint:nilerr // the client is told
		}
	case fromTheBeginning(specification.Lookup("startAtOperationTime")):
		opened.whole, opened.at.Positions = true, []position{{hashRange{0, ^uint64(0)}, 0}}
	default:
		opened.whole, opened.at.Positions = true, []position{{hashRange{0, ^uint64(0)}, f.end()}}
	}
	if refusal := d.refuseSplit(opened); refusal != nil {
		return refusal, nil
	}
	count := int64(streamBatch)
	if asked, ok := command.Body.Lookup("cursor", "batchSize").AsInt64OK(); ok {
		count = asked
	}
	batch := page{field: "firstBatch", namespace: opened.namespace}
	if count > 0 {
		if batch.documents, err = d.changes(ctx, m, command, opened, int(count), next); err != nil {
			return nil, err
		}
	}
	batch.id = d.streams.add(opened)
	return batch.reply()
}

// watchMore answers a getMore of a change stream. Without news it waits a little; throttled it answers at once
// with an empty page.
func (d *Double) watchMore(ctx context.Context, m *meter, command *wire.Command, id int64, opened *stream, next wire.Next) (*wire.Reply, error) {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	patience := streamPatience
	if asked, ok := command.Body.Lookup("maxTimeMS").AsInt64OK(); ok && asked > 0 {
		patience = time.Duration(asked) * time.Millisecond
	}
	count := batchSize(command)
	if count == 0 {
		count = 1 << 30 // as many as fit
	}
	until := time.Now().Add(patience)
	for {
		if refusal := d.refuseSplit(opened); refusal != nil {
			d.streams.drop(id)
			return refusal, nil
		}
		documents, err := d.changes(ctx, m, command, opened, count, next)
		if err != nil {
			return nil, err
		}
		if len(documents) > 0 || m.throttled || time.Now().After(until) {
			if len(documents) == 0 && !m.throttled {
				d.charge(m, partitionIn(opened.at.Positions[0].Range.Min, d.account.count()), d.reading(queryPage(0, 1)))
			}
			return page{field: "nextBatch", namespace: opened.namespace, documents: documents, id: id}.reply()
		}
		timer := time.NewTimer(streamPoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// changes is the next page of a stream: of the first of its partitions that has news and admits a request.
func (d *Double) changes(ctx context.Context, m *meter, command *wire.Command, opened *stream, count int, next wire.Next) ([]bson.Raw, error) {
	f := d.feeds.get(opened.namespace)
	if f == nil {
		return nil, nil // the collection was dropped
	}
	opened.at = opened.at.split(d.account.count())
	blamed := everyPartition
	for n := range opened.at.Positions {
		at := opened.at.Positions[n]
		partition := partitionIn(at.Range.Min, d.account.count())
		if ids, _ := f.next(at, 1); len(ids) == 0 {
			continue
		}
		if wait, _ := d.account.wait(partition); d.profile.Metered && wait > 0 {
			blamed = partition
			continue
		}
		events, err := d.events(ctx, command, opened, n, f, count, next)
		if err != nil {
			return nil, err
		}
		size := 0
		for _, event := range events {
			size += len(event)
		}
		d.charge(m, partition, d.reading(queryPage(size, 1)))
		if len(events) > 0 {
			// The other partitions come first next time.
			opened.at.Positions = append(append([]position{}, opened.at.Positions[n+1:]...), opened.at.Positions[:n+1]...)
			return events, nil
		}
	}
	if blamed != everyPartition {
		d.throttle(m, blamed)
	}
	return nil, nil
}

// refuseSplit refuses a stream whose partition has been split, where the profile says so.
func (d *Double) refuseSplit(opened *stream) *wire.Reply {
	if !d.profile.LoseSplitStreams || opened.whole {
		return nil
	}
	count, at := d.account.count(), opened.at.Positions
	if len(at) == 1 && at[0].Range == rangeOf(partitionIn(at[0].Range.Min, count), count) {
		return nil
	}
	return wire.ErrorReply(codeInvalidOptions, "InvalidOptions", "Expired resume token or cursor, reinitialize the change stream cursor")
}

// events reads the documents of a position's next entries, and moves the position past them.
func (d *Double) events(ctx context.Context, command *wire.Command, opened *stream, which int, f *feed, count int, next wire.Next) ([]bson.Raw, error) {
	at := &opened.at.Positions[which]
	var found []bson.Raw
	size := 0
	for len(found) < count {
		ids, after := f.next(*at, min(fetchedTogether, count-len(found)))
		if len(ids) == 0 {
			break
		}
		documents := map[string]bson.Raw{}
		in := make(bson.A, len(ids))
		for n, id := range ids {
			in[n] = id
		}
		find := bson.D{{Key: "find", Value: command.Collection()}, {Key: "filter", Value: bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: in}}}}}, {Key: "batchSize", Value: 10_000}}
		refusal, err := eachDocument(ctx, command, find, next, func(document bson.Raw) {
			documents[keyOf(document.Lookup("_id"))] = append(bson.Raw{}, document...)
		})
		if err != nil {
			return nil, err
		}
		if refusal != nil {
			break
		}
		for n, id := range ids {
			document, there := documents[keyOf(id)]
			size += len(document)
			if there && len(found) > 0 && d.profile.MaxPageBytes > 0 && size > d.profile.MaxPageBytes {
				return d.tell(opened, found)
			}
			at.After = after[n]
			if !there || d.profile.StreamGap > 0 && hasTwin(id, d.profile.StreamGap) { // deleted: a stream does not tell
				size -= len(document)
				continue
			}
			found = append(found, document)
		}
	}
	return d.tell(opened, found)
}

// tell makes events of a page's documents. Each has the token of the page's end.
func (d *Double) tell(opened *stream, documents []bson.Raw) ([]bson.Raw, error) {
	at, err := opened.at.document()
	if err != nil {
		return nil, err
	}
	events := make([]bson.Raw, len(documents))
	for n, document := range documents {
		events[n] = event(at, opened.namespace, document)
	}
	return events, nil
}

// event is what the prescribed projection lets through of a change.
func event(at bson.Raw, namespace string, document bson.Raw) bson.Raw {
	id := document.Lookup("_id")
	key := bsoncore.NewDocumentBuilder().AppendValue("_id", bsoncore.Value{Type: id.Type, Data: id.Value}).Build()
	database, collection, _ := strings.Cut(namespace, ".")
	return bson.Raw(bsoncore.NewDocumentBuilder().
		AppendDocument("_id", bsoncore.Document(at)).
		AppendDocument("fullDocument", bsoncore.Document(document)).
		AppendDocument("ns", bsoncore.NewDocumentBuilder().AppendString("db", database).AppendString("coll", collection).Build()).
		AppendDocument("documentKey", key).
		Build())
}

// touched is what a write is about to write, where somebody may read it in a change stream.
func (d *Double) touched(ctx context.Context, command *wire.Command, operations []bson.Raw, next wire.Next) (*feed, []bson.RawValue, error) {
	f := d.feeds.get(command.Namespace())
	if f == nil || command.Is("delete") {
		return nil, nil, nil
	}
	var ids []bson.RawValue
	for _, operation := range operations {
		if command.Is("insert") {
			ids = append(ids, operation.Lookup("_id"))
			continue
		}
		filter, _ := operation.Lookup("q").DocumentOK()
		if filter == nil {
			filter, _ = operation.Lookup("query").DocumentOK() // findAndModify
		}
		if id, ok := equalID(filter); ok {
			ids = append(ids, id)
			continue
		}
		find := bson.D{{Key: "find", Value: command.Collection()}, {Key: "filter", Value: filter}, {Key: "projection", Value: bson.D{{Key: "_id", Value: 1}}}}
		if _, err := eachDocument(ctx, command, find, next, func(document bson.Raw) {
			id := document.Lookup("_id")
			ids = append(ids, bson.RawValue{Type: id.Type, Value: append([]byte{}, id.Value...)})
		}); err != nil {
			return nil, nil, err
		}
	}
	return f, ids, nil
}
