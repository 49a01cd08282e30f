package null

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

func testOptions(kind IDKind, documents int64, skew bool) Options {
	return Options{Documents: documents, IDKind: kind, Skew: skew, DocumentBytes: 300, Database: "d", Collection: "c"}
}

type starter func(string, Options) (*Server, error)

// serve starts a server and returns it with its collection as the driver sees it.
func serve(t *testing.T, start starter, o Options) (*Server, *mongo.Collection) {
	t.Helper()
	server, err := start("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(t.Context(), options.Client().ApplyURI(server.URI()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Disconnect(context.Background())
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, client.Database(o.Database).Collection(o.Collection)
}

func find(t *testing.T, c *mongo.Collection, query any, o ...*options.FindOptions) []bson.Raw {
	t.Helper()
	cursor, err := c.Find(t.Context(), query, o...)
	if err != nil {
		t.Fatal(err)
	}
	var found []bson.Raw
	if err := cursor.All(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func ascending() *options.FindOptions {
	return options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})
}

func id(document bson.Raw) bson.RawValue { return document.Lookup("_id") }

func TestSourceServesEveryDocumentOnceInOrder(t *testing.T) {
	for _, kind := range IDKinds() {
		for _, skew := range []bool{false, true} {
			t.Run(fmt.Sprint(kind, skew), func(t *testing.T) {
				const documents = 5000
				server, c := serve(t, NewSource, testOptions(kind, documents, skew))
				found := find(t, c, bson.D{}, ascending().SetBatchSize(700))
				if len(found) != documents {
					t.Fatalf("found %d documents; want %d", len(found), documents)
				}
				for n, document := range found {
					if err := document.Validate(); err != nil {
						t.Fatalf("document %d: %v", n, err)
					}
					if i, at, ok := server.layout.recognise(document, nil); !ok || i != int64(n) {
						t.Fatalf("document %d is recognised as %d, %v (differs at %d)", n, i, ok, at)
					}
				}
				stats := server.Stats()
				if stats.Queries != 1 || stats.GetMores != 7 || stats.Served != documents {
					t.Errorf("statistics are %+v; want 1 query, 7 getMores, %d documents served", stats, documents)
				}
			})
		}
	}
}

// TestRanges cuts the collection at documents and between them, as a partition does.
func TestRanges(t *testing.T) {
	for _, kind := range IDKinds() {
		t.Run(string(kind), func(t *testing.T) {
			const documents = 1000
			_, c := serve(t, NewSource, testOptions(kind, documents, true))
			all := find(t, c, bson.D{}, ascending())
			low, high := id(all[123]), id(all[901])
			for _, q := range []struct {
				name        string
				query       bson.D
				first, past int
			}{
				{"$gt $lt", bson.D{{Key: "$gt", Value: low}, {Key: "$lt", Value: high}}, 124, 901},
				{"$gte $lte", bson.D{{Key: "$gte", Value: low}, {Key: "$lte", Value: high}}, 123, 902},
				{"$gte", bson.D{{Key: "$gte", Value: high}}, 901, documents},
				{"$lt", bson.D{{Key: "$lt", Value: low}}, 0, 123},
				{"$eq", bson.D{{Key: "$eq", Value: low}}, 123, 124},
				{"reversed", bson.D{{Key: "$gt", Value: high}, {Key: "$lt", Value: low}}, 0, 0},
				{"MinKey to MaxKey", bson.D{{Key: "$gte", Value: primitive.MinKey{}}, {Key: "$lt", Value: primitive.MaxKey{}}}, 0, documents},
				{"above MaxKey", bson.D{{Key: "$gt", Value: primitive.MaxKey{}}}, 0, 0},
				{"another type", bson.D{{Key: "$gte", Value: true}}, 0, 0},
				{"its type", bson.D{{Key: "$type", Value: bson.A{low.Type}}}, 0, documents},
				{"other types", bson.D{{Key: "$type", Value: bson.A{"regex", "bool"}}}, 0, 0},
			} {
				query := bson.D{{Key: "_id", Value: q.query}}
				got := find(t, c, query, ascending().SetBatchSize(100))
				if !slices.EqualFunc(got, all[q.first:q.past], func(a, b bson.Raw) bool { return string(a) == string(b) }) {
					t.Errorf("%s found %d documents; want %d to %d", q.name, len(got), q.first, q.past)
				}
				if n, err := c.CountDocuments(t.Context(), query); err != nil || n != int64(q.past-q.first) {
					t.Errorf("%s counts %d, %v; want %d", q.name, n, err, q.past-q.first)
				}
				backwards := find(t, c, bson.D{{Key: "$and", Value: bson.A{query, bson.D{}}}},
					options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetBatchSize(33).SetProjection(bson.D{{Key: "_id", Value: 1}}))
				slices.Reverse(backwards)
				if !slices.EqualFunc(backwards, all[q.first:q.past], func(a, b bson.Raw) bool { return id(a).Equal(id(b)) && len(a) < 60 }) {
					t.Errorf("%s backwards found %d documents; want %d _ids", q.name, len(backwards), q.past-q.first)
				}
			}
		})
	}
}

func TestNumbersOfEachTypeBoundIntegers(t *testing.T) {
	_, c := serve(t, NewSource, testOptions(Int, 100, false))
	decimal, err := primitive.ParseDecimal128("49.5")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		bound any
		want  int64 // at or above it
	}{
		{int32(50), 50}, {int64(50), 50}, {50.0, 50}, {49.5, 50}, {decimal, 50},
		{math.Inf(-1), 100}, {math.Inf(1), 0}, {math.NaN(), 0}, {"50", 0},
	} {
		n, err := c.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: q.bound}}}})
		if err != nil || n != q.want {
			t.Errorf("$gte %v counts %d, %v; want %d", q.bound, n, err, q.want)
		}
	}
}

func TestLimitsAndProbes(t *testing.T) {
	server, c := serve(t, NewSource, testOptions(UUID, 1000, false))
	all := find(t, c, bson.D{}, ascending())
	if got := find(t, c, bson.D{}, ascending().SetLimit(250).SetBatchSize(100)); len(got) != 250 {
		t.Errorf("a limit of 250 gave %d documents", len(got))
	}
	last, err := c.FindOne(t.Context(), bson.D{}, options.FindOne().SetSort(bson.D{{Key: "_id", Value: -1}})).Raw()
	if err != nil || !id(last).Equal(id(all[999])) {
		t.Errorf("the last is %v, %v; want %v", last, err, all[999])
	}
	some := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{id(all[7]), "nobody", id(all[3]), id(all[7])}}}}}
	if got := find(t, c, some); len(got) != 2 {
		t.Errorf("$in of two that are there gave %d documents", len(got))
	}
	if stats := server.Stats(); stats.Probes != 1 || stats.Queries != 3 {
		t.Errorf("statistics are %+v; want 1 probe, 3 queries", stats)
	}
}

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	_, c := serve(t, NewSource, testOptions(ObjectID, 10, false))
	ctx := t.Context()
	database := c.Database()
	for name, command := range map[string]bson.D{
		"another field":     {{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "status", Value: "completed"}}}},
		"another operator":  {{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: bson.D{{Key: "$mod", Value: bson.A{2, 0}}}}}}},
		"another sort":      {{Key: "find", Value: "c"}, {Key: "sort", Value: bson.D{{Key: "status", Value: 1}}}},
		"a projection":      {{Key: "find", Value: "c"}, {Key: "projection", Value: bson.D{{Key: "status", Value: 1}}}},
		"skip":              {{Key: "find", Value: "c"}, {Key: "skip", Value: 1}},
		"$sample":           {{Key: "aggregate", Value: "c"}, {Key: "pipeline", Value: bson.A{bson.D{{Key: "$sample", Value: bson.D{{Key: "size", Value: 1}}}}}}, {Key: "cursor", Value: bson.D{}}},
		"request units":     {{Key: "getLastRequestStatistics", Value: 1}},
		"splitVector":       {{Key: "splitVector", Value: "d.c"}},
		"a lost cursor":     {{Key: "getMore", Value: int64(1)}, {Key: "collection", Value: "c"}},
		"indexes of nobody": {{Key: "listIndexes", Value: "nobody"}},
		"drop of nobody":    {{Key: "drop", Value: "nobody"}},
	} {
		var refused mongo.CommandError
		if err := database.RunCommand(ctx, command).Err(); !errors.As(err, &refused) || refused.Code == 0 {
			t.Errorf("%s: %v; want an error with a code", name, err)
		}
	}
	if err := c.Database().Client().Ping(ctx, nil); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	_, c := serve(t, NewSource, testOptions(ObjectID, 12345, false))
	ctx := t.Context()
	if names, err := c.Database().ListCollectionNames(ctx, bson.D{}); err != nil || !slices.Equal(names, []string{"c"}) {
		t.Errorf("collections are %v, %v", names, err)
	}
	if names, err := c.Database().Client().ListDatabaseNames(ctx, bson.D{}); err != nil || !slices.Equal(names, []string{"d"}) {
		t.Errorf("databases are %v, %v", names, err)
	}
	if n, err := c.EstimatedDocumentCount(ctx); err != nil || n != 12345 {
		t.Errorf("estimated count is %d, %v", n, err)
	}
	if indexes, err := c.Indexes().ListSpecifications(ctx); err != nil || len(indexes) != 1 || indexes[0].Name != "_id_" {
		t.Errorf("indexes are %v, %v", indexes, err)
	}
}

func TestHundredsOfMillionsCostNothing(t *testing.T) {
	const documents = 400_000_000
	_, c := serve(t, NewSource, testOptions(ObjectID, documents, true))
	if n, err := c.CountDocuments(t.Context(), bson.D{}); err != nil || n != documents {
		t.Errorf("count is %d, %v", n, err)
	}
	last := find(t, c, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(1))[0]
	above := find(t, c, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: id(last)}}}})
	if len(above) != 1 || string(above[0]) != string(last) {
		t.Errorf("at or above the last are %d documents", len(above))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := testOptions(Int, 1, false)
	for want, spoil := range map[string]func(*Options){
		"documents":   func(o *Options) { o.Documents = -1 },
		"type of _id": func(o *Options) { o.IDKind = "float" },
		"bytes":       func(o *Options) { o.DocumentBytes = 10 },
		"namespace":   func(o *Options) { o.Collection = "" },
	} {
		o := good
		spoil(&o)
		if _, err := NewSource("127.0.0.1:0", o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want an error about %s", o, err, want)
		}
	}
}
