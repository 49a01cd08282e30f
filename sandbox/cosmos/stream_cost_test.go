package cosmos

import (
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/sandbox/engine"
)

// TestWhatReadingCostsEitherWay measures what docs/cosmos-db.md says: with documents of 1 KB a change stream is
// dearer than pages of a query, because an event has a token and a key beside the document; it saves the fixed part
// of a page, which a query pays for each partition, but that is small where pages are large.
func TestWhatReadingCostsEitherWay(t *testing.T) {
	servers, err := engine.Start(t.Context(), engine.Options{Kind: engine.Embedded, Data: t.TempDir(), Target: engine.Side{URI: "mongodb://none.invalid/"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = servers.Stop() })
	const documents = 1000
	for _, test := range []struct {
		partitions, page int
		least, most      float64 // by how much a stream is dearer
	}{
		{1, 100, 0.15, 0.30},
		{4, 250, 0.15, 0.30},
		{10, 100, 0, 0.15}, // pages too small for so many partitions
	} {
		w := newWatched(t, servers.SourceURI, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6, Partitions: test.partitions}, documents)
		paid := func(read func() int) float64 {
			if err := w.double.Apply(Change{Reset: true}); err != nil {
				t.Fatal(err)
			}
			if n := read(); n != documents {
				t.Fatalf("%d documents were read", n)
			}
			s := w.double.Statistics()
			return (s.Charged.Total - s.Charged.Metadata) / documents
		}
		byPages := paid(func() (n int) {
			cursor, err := w.collection.Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(int32(test.page)))
			if err != nil {
				t.Fatal(err)
			}
			for cursor.Next(t.Context()) {
				n++
			}
			return n
		})
		tokens := w.tokens()
		byStreams := paid(func() (n int) {
			for _, token := range tokens {
				n += w.countEvents(token, test.page)
			}
			return n
		})
		dearer := byStreams/byPages - 1
		t.Logf("%d partitions, pages of %d KB: %.3f RU/KB by pages of a query, %.3f by change streams (%.0f %% dearer)", test.partitions, test.page, byPages, byStreams, 100*dearer)
		if dearer < test.least || dearer > test.most {
			t.Errorf("%d partitions: change streams are %.1f %% dearer", test.partitions, 100*dearer)
		}
	}
}

// countEvents reads a stream to where it has nothing new.
func (w *watched) countEvents(token bson.Raw, page int) int {
	w.t.Helper()
	var stream *mongo.ChangeStream
	stream, err := w.collection.Watch(w.t.Context(), prescribed, options.ChangeStream().
		SetFullDocument(options.UpdateLookup).SetResumeAfter(token).SetMaxAwaitTime(1).SetBatchSize(int32(page)))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = stream.Close(w.t.Context()) }()
	n := 0
	for stream.TryNext(w.t.Context()) {
		n++
	}
	if err := stream.Err(); err != nil {
		w.t.Fatal(err)
	}
	return n
}
