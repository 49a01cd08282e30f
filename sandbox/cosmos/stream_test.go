package cosmos

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/sandbox/engine"
)

// watched is a collection behind a double, whose change streams are read.
type watched struct {
	t          *testing.T
	double     *Double
	collection *mongo.Collection
}

func newWatched(t *testing.T, upstream string, o Options, documents int) *watched {
	t.Helper()
	o.Upstream = upstream
	double, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = double.Close() })
	client, err := mongo.Connect(t.Context(), options.Client().ApplyURI(double.URI()).SetRetryWrites(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	w := &watched{t, double, client.Database("d" + primitive.NewObjectID().Hex()).Collection("c")}
	if documents > 0 {
		if _, err := w.collection.InsertMany(t.Context(), sizedList(t, 0, documents, 1024)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *watched) tokens() []bson.Raw {
	w.t.Helper()
	reply, err := w.collection.Database().RunCommand(w.t.Context(), bson.D{
		{Key: "customAction", Value: "GetChangeStreamTokens"}, {Key: "collection", Value: "c"},
		{Key: "startAtOperationTime", Value: primitive.Timestamp{}}}).Raw()
	if err != nil {
		w.t.Fatal(err)
	}
	values, err := reply.Lookup("resumeAfterTokens").Array().Values()
	if err != nil {
		w.t.Fatal(err)
	}
	var tokens []bson.Raw
	for _, value := range values {
		tokens = append(tokens, value.Document())
	}
	return tokens
}

// prescribed is the pipeline that the account asks for, after the stage of the driver.
var prescribed = mongo.Pipeline{
	{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{{Key: "$in", Value: bson.A{"insert", "update", "replace"}}}}}}},
	{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}, {Key: "fullDocument", Value: 1}, {Key: "ns", Value: 1}, {Key: "documentKey", Value: 1}}}},
}

func (w *watched) watch(resume any, page int) (*mongo.ChangeStream, error) {
	stream, err := w.collection.Watch(w.t.Context(), prescribed,
		options.ChangeStream().SetFullDocument(options.UpdateLookup).SetResumeAfter(resume).SetMaxAwaitTime(1).SetBatchSize(int32(page)))
	if err == nil {
		w.t.Cleanup(func() { _ = stream.Close(context.Background()) })
	}
	return stream, err
}

// ids reads a stream until it has nothing new, or most events, and returns the _ids in order and the last token.
func (w *watched) ids(stream *mongo.ChangeStream, most int) (ids []int, last bson.Raw) {
	w.t.Helper()
	for len(ids) < most && stream.TryNext(w.t.Context()) {
		var event struct {
			FullDocument, DocumentKey bson.Raw
			NS                        struct{ DB, Coll string }
		}
		if err := stream.Decode(&event); err != nil {
			w.t.Fatal(err)
		}
		id := event.DocumentKey.Lookup("_id")
		if !id.Equal(event.FullDocument.Lookup("_id")) || event.NS.DB != w.collection.Database().Name() || event.NS.Coll != "c" {
			w.t.Fatalf("event %v", stream.Current)
		}
		ids, last = append(ids, int(id.AsInt64())), append(bson.Raw{}, stream.ResumeToken()...)
	}
	if err := stream.Err(); err != nil {
		w.t.Fatal(err)
	}
	return ids, last
}

func (w *watched) from(resume bson.Raw, most int) ([]int, bson.Raw) {
	w.t.Helper()
	stream, err := w.watch(resume, most) // the tokens of a page are those of its end
	if err != nil {
		w.t.Fatal(err)
	}
	return w.ids(stream, most)
}

func seen(into map[int]int, ids []int) {
	for _, id := range ids {
		into[id]++
	}
}

func TestChangeStreams(t *testing.T) {
	servers, err := engine.Start(context.Background(), engine.Options{Kind: engine.Embedded, Data: t.TempDir(), Target: engine.Side{URI: "mongodb://none.invalid/"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = servers.Stop() })
	roomy := Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6, Partitions: 3}
	const documents = 400

	t.Run("each document once, over all partitions", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		tokens, all := w.tokens(), map[int]int{}
		if len(tokens) != 3 {
			t.Fatalf("%d tokens", len(tokens))
		}
		for _, token := range tokens {
			ids, _ := w.from(token, documents)
			if len(ids) < documents/6 {
				t.Errorf("%d documents in a partition of three", len(ids))
			}
			seen(all, ids)
		}
		if len(all) != documents {
			t.Errorf("%d documents in all", len(all))
		}
		for id, times := range all {
			if times != 1 {
				t.Errorf("document %d: %d times", id, times)
			}
		}
	})

	t.Run("goes on from the last event", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		token := w.tokens()[0]
		whole, _ := w.from(token, documents)
		first, middle := w.from(token, 20)
		rest, _ := w.from(middle, documents)
		if len(first) != 20 || len(first)+len(rest) != len(whole) || whole[20] != rest[0] {
			t.Errorf("%d and %d of %d", len(first), len(rest), len(whole))
		}
	})

	t.Run("writes come last, deletes do not", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		tokens := w.tokens()
		ctx := t.Context()
		_, err1 := w.collection.UpdateOne(ctx, bson.D{{Key: "_id", Value: int32(3)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "new", Value: 1}}}})
		_, err2 := w.collection.UpdateMany(ctx, bson.D{{Key: "new", Value: 1}}, bson.D{{Key: "$set", Value: bson.D{{Key: "new", Value: 2}}}})
		_, err3 := w.collection.DeleteOne(ctx, bson.D{{Key: "_id", Value: int32(4)}})
		_, err4 := w.collection.InsertOne(ctx, bson.D{{Key: "_id", Value: int32(1000)}})
		err5 := w.collection.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: int32(5)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "new", Value: 3}}}}).Err()
		for _, err := range []error{err1, err2, err3, err4, err5} {
			if err != nil {
				t.Fatal(err)
			}
		}
		place, n := map[int]int{}, 0
		for _, token := range tokens {
			ids, _ := w.from(token, 2*documents)
			for at, id := range ids {
				if _, twice := place[id]; twice {
					t.Errorf("document %d twice", id)
				}
				place[id] = at - len(ids) // from the end of its partition's stream
				n++
			}
		}
		if n != documents || place[4] != 0 {
			t.Errorf("%d documents, the deleted one at %d", n, place[4])
		}
		for _, id := range []int{3, 5, 1000} {
			if place[id] < -3 {
				t.Errorf("document %d was written last and comes %d from the end", id, -place[id])
			}
		}
	})

	t.Run("a partition is split on the way", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		tokens, all := w.tokens(), map[int]int{}
		var middles []bson.Raw
		for _, token := range tokens {
			ids, middle := w.from(token, 30)
			seen(all, ids)
			middles = append(middles, middle)
		}
		running, err := w.watch(middles[0], 10)
		if err != nil {
			t.Fatal(err)
		}
		ids, _ := w.ids(running, 10)
		seen(all, ids)
		if err := w.double.Apply(Change{Partitions: ptr(7)}); err != nil {
			t.Fatal(err)
		}
		ids, _ = w.ids(running, documents)
		seen(all, ids)
		for _, middle := range middles[1:] {
			ids, _ := w.from(middle, documents)
			seen(all, ids)
		}
		if len(all) != documents {
			t.Errorf("%d documents in all", len(all))
		}
		if got := len(w.tokens()); got != 7 {
			t.Errorf("%d tokens after the split", got)
		}
		if err := w.double.Apply(Change{Partitions: ptr(2)}); err == nil {
			t.Error("partitions were merged")
		}
	})

	t.Run("a stream is lost to a split", func(t *testing.T) {
		lossy := roomy
		lossy.Profile.LoseSplitStreams = true
		w := newWatched(t, servers.SourceURI, lossy, documents)
		token := w.tokens()[0]
		running, err := w.watch(token, 10)
		if err != nil {
			t.Fatal(err)
		}
		_, middle := w.ids(running, 10)
		if err := w.double.Apply(Change{Partitions: ptr(5)}); err != nil {
			t.Fatal(err)
		}
		for running.TryNext(t.Context()) {
			t.Error("the stream goes on")
		}
		if refusal(running.Err()).Code != codeInvalidOptions {
			t.Errorf("getMore: %v", running.Err())
		}
		for _, token := range []bson.Raw{token, middle} {
			if _, err := w.watch(token, 10); refusal(err).Code != codeInvalidOptions {
				t.Errorf("going on: %v", err)
			}
		}
		all := map[int]int{}
		for _, token := range w.tokens() {
			ids, _ := w.from(token, documents)
			seen(all, ids)
		}
		if len(all) != documents {
			t.Errorf("%d documents in all by new tokens", len(all))
		}
	})

	t.Run("a stream leaves documents out", func(t *testing.T) {
		gappy := roomy
		gappy.Profile.StreamGap = 5
		w := newWatched(t, servers.SourceURI, gappy, documents)
		all := map[int]int{}
		for _, token := range w.tokens() {
			ids, _ := w.from(token, documents)
			seen(all, ids)
		}
		if left := documents - len(all); left < documents/10 || left > documents/3 {
			t.Errorf("%d of %d documents were left out", left, documents)
		}
	})

	t.Run("throttled, it answers with an empty page", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		token := w.tokens()[1]
		if err := w.double.Apply(Change{RequestUnits: ptr(0.3), Reset: true}); err != nil {
			t.Fatal(err)
		}
		stream, err := w.watch(token, streamBatch)
		if err != nil {
			t.Fatal(err)
		}
		if ids, _ := w.ids(stream, documents); len(ids) == 0 || len(ids) > 101 {
			t.Errorf("%d documents without throughput", len(ids))
		}
		s := w.double.Statistics()
		if s.Throttled.ByCommand["getMore"] == 0 || s.Charged.Throttled < chargeThrottled {
			t.Errorf("throttled: %+v", s.Throttled)
		}
		if err := w.double.Apply(Change{RequestUnits: ptr(1e6)}); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("charges as pages of one partition", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, documents)
		token := w.tokens()[2]
		if err := w.double.Apply(Change{Reset: true}); err != nil {
			t.Fatal(err)
		}
		ids, _ := w.from(token, documents)
		s := w.double.Statistics()
		if perDocument := (s.Charged.ByCommand["aggregate"] + s.Charged.ByCommand["getMore"]) / float64(len(ids)); perDocument < 1 || perDocument > 1.6 {
			t.Errorf("%.2f RU a document of 1 KB, with its event", perDocument)
		}
	})

	t.Run("refusals", func(t *testing.T) {
		w := newWatched(t, servers.SourceURI, roomy, 1)
		other := newWatched(t, servers.SourceURI, roomy, 1)
		for name, token := range map[string]any{"of another collection": other.tokens()[0], "of another account": bson.D{{Key: "_data", Value: "82"}}} {
			if _, err := w.watch(token, streamBatch); refusal(err).Code != codeInvalidResumeToken {
				t.Errorf("a token %s: %v", name, err)
			}
		}
		if _, err := w.collection.Watch(t.Context(), prescribed[:1], options.ChangeStream().SetFullDocument(options.UpdateLookup)); refusal(err).Code != codeBadValue {
			t.Errorf("without a projection: %v", err)
		}
		if _, err := w.collection.Watch(t.Context(), prescribed); refusal(err).Code != codeBadValue {
			t.Errorf("without updateLookup: %v", err)
		}
		without := roomy
		without.Profile.ChangeStreams = false
		w = newWatched(t, servers.SourceURI, without, 1)
		if _, err := w.watch(nil, streamBatch); refusal(err).Code != codeUnknownStage {
			t.Errorf("without change streams: %v", err)
		}
		_, err := w.collection.Database().RunCommand(t.Context(), bson.D{{Key: "customAction", Value: "GetChangeStreamTokens"}, {Key: "collection", Value: "c"}}).Raw()
		if refusal(err).Code != codeNotSupported {
			t.Errorf("tokens without change streams: %v", err)
		}
	})
}

func TestRangesOfPartitionsCoverEveryHash(t *testing.T) {
	for _, count := range []int{1, 2, 3, 7, 10, 1000} {
		next := uint64(0)
		for partition := range count {
			r := rangeOf(partition, count)
			if r.Min != next || partitionIn(r.Min, count) != partition || partitionIn(r.Max, count) != partition {
				t.Fatalf("partition %d of %d is %+v; its ends belong to %d and %d", partition, count, r, partitionIn(r.Min, count), partitionIn(r.Max, count))
			}
			next = r.Max + 1
		}
		if next != 0 {
			t.Errorf("%d partitions end at %d", count, next-1)
		}
	}
}

func ptr[T any](value T) *T { return &value }
