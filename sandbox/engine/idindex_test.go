package engine

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/sandbox/engine/idindex"
	"vida/sandbox/wire"
)

// indexed is FerretDB, asked directly and through an index.
type indexed struct {
	t       *testing.T
	random  *rand.Rand
	direct  *mongo.Database
	through *mongo.Database
	reads   *readCounter
}

// readCounter counts the reads that an index lets through, its own whole ones left out.
type readCounter struct {
	mu    sync.Mutex
	reads map[string]int
}

func (r *readCounter) Intercept(ctx context.Context, _ *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	if command.Is("find", "aggregate", "count") {
		r.mu.Lock()
		r.reads[command.Namespace()]++
		r.mu.Unlock()
	}
	return next(ctx, command)
}

func newIndexed(t *testing.T, mostBytes int64) *indexed {
	t.Helper()
	server, stop, err := startFerretDB(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	counter := &readCounter{reads: map[string]int{}}
	front, err := wire.Start(context.Background(), wire.Options{
		Upstream: server, Interceptors: []wire.Interceptor{idindex.New(mostBytes), counter},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Close() })
	return &indexed{
		t: t, random: rand.New(rand.NewPCG(1, 2)), reads: counter,
		direct: connect(t, server).Database("d"), through: connect(t, front.URI()).Database("d"),
	}
}

func (x *indexed) id(foreign bool) any {
	n := x.random.IntN(60)
	switch kind := x.random.IntN(12); {
	case kind == 0 && foreign:
		return n%2 == 0
	case kind == 1 && foreign:
		return primitive.Binary{Data: []byte{byte(n)}}
	case kind < 4:
		return int32(n)
	case kind < 6:
		return int64(n) << 32
	case kind < 8:
		return float64(n) + 0.5
	case kind < 10:
		return strings.Repeat(string(rune('a'+n%26)), n/26+1)
	case kind == 10:
		return primitive.DateTime(int64(n-30) * 86_400_000)
	}
	return primitive.ObjectID{0, 1, byte(n), 3}
}

func (x *indexed) filter() bson.D {
	pick := func() any {
		if x.random.IntN(10) == 0 {
			return []any{nil, math.Inf(1), math.Inf(-1)}[x.random.IntN(3)]
		}
		return x.id(true)
	}
	switch x.random.IntN(7) {
	case 0:
		return bson.D{}
	case 1:
		return bson.D{{Key: "_id", Value: pick()}}
	case 2:
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{pick(), pick(), pick()}}}}}
	case 3:
		return bson.D{{Key: "n", Value: bson.D{{Key: "$gt", Value: 10}}}}
	}
	lower := []string{"$gt", "$gte"}[x.random.IntN(2)]
	upper := []string{"$lt", "$lte"}[x.random.IntN(2)]
	if x.random.IntN(3) == 0 {
		return bson.D{{Key: "_id", Value: bson.D{{Key: lower, Value: pick()}}}}
	}
	return bson.D{{Key: "_id", Value: bson.D{{Key: lower, Value: pick()}, {Key: upper, Value: pick()}}}}
}

func all(ctx context.Context, collection *mongo.Collection, filter bson.D, o *options.FindOptions) ([]bson.Raw, error) {
	cursor, err := collection.Find(ctx, filter, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = cursor.Close(ctx) }()
	var list []bson.Raw
	for cursor.Next(ctx) {
		list = append(list, bytes.Clone(cursor.Current))
	}
	return list, cursor.Err()
}

// sameAnswers asks both for the same and compares, byte for byte.
func (x *indexed) sameAnswers(name string) {
	x.t.Helper()
	ctx := x.t.Context()
	direct, through := x.direct.Collection(name), x.through.Collection(name)
	filter := x.filter()
	o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1 - 2*x.random.IntN(2)}}).SetBatchSize(int32(x.random.IntN(5)))
	if x.random.IntN(3) == 0 {
		o.SetLimit(int64(1 + x.random.IntN(6)))
	}
	if x.random.IntN(3) == 0 {
		o.SetProjection(bson.D{{Key: "_id", Value: 1}})
	}
	want, wantError := all(ctx, direct, filter, o)
	got, gotError := all(ctx, through, filter, o)
	if fmt.Sprint(want) != fmt.Sprint(got) || (wantError == nil) != (gotError == nil) {
		x.t.Fatalf("%v %+v:\n%v, %v directly\n%v, %v through the index", filter, o, want, wantError, got, gotError)
	}
	for n := range want {
		if !bytes.Equal(want[n], got[n]) {
			x.t.Fatalf("document %d: %v, %v", n, want[n], got[n])
		}
	}
	wantCount, err := direct.CountDocuments(ctx, filter)
	if err != nil {
		x.t.Fatal(err)
	}
	gotCount, err := through.CountDocuments(ctx, filter)
	if err != nil || gotCount != wantCount {
		x.t.Fatalf("%v: %d directly, %d through the index, %v", filter, wantCount, gotCount, err)
	}
	wantCount, _ = direct.EstimatedDocumentCount(ctx)
	if gotCount, err = through.EstimatedDocumentCount(ctx); err != nil || gotCount != wantCount {
		x.t.Fatalf("estimated: %d directly, %d through the index, %v", wantCount, gotCount, err)
	}
}

// alter does something to a collection through the index.
func (x *indexed) alter(name string, foreign bool) {
	x.t.Helper()
	ctx := x.t.Context()
	collection := x.through.Collection(name)
	var err error
	switch x.random.IntN(12) {
	case 0:
		_, err = collection.DeleteMany(ctx, bson.D{{Key: "_id", Value: x.id(foreign)}})
	case 1:
		_, err = collection.UpdateMany(ctx, bson.D{{Key: "n", Value: x.random.IntN(20)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: 100}}}})
	case 2:
		if x.random.IntN(4) == 0 {
			err = collection.Drop(ctx)
		}
	case 3:
		if x.random.IntN(4) == 0 {
			err = x.through.Drop(ctx)
		}
	default:
		var documents []any
		for range 1 + x.random.IntN(8) {
			documents = append(documents, bson.D{{Key: "_id", Value: x.id(foreign)}, {Key: "n", Value: x.random.IntN(20)}})
		}
		_, err = collection.InsertMany(ctx, documents, options.InsertMany().SetOrdered(x.random.IntN(2) == 0))
		if mongo.IsDuplicateKeyError(err) {
			err = nil
		}
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

func TestIndexAnswersAsTheServerDoes(t *testing.T) {
	x := newIndexed(t, 1<<20)
	for round := range 60 {
		for name, foreign := range map[string]bool{"plain": false, "foreign": true} {
			x.alter(name, foreign)
			x.sameAnswers(name)
		}
		if round%20 == 0 {
			x.sameAnswers("nonesuch")
		}
	}
}

func TestIndexSparesTheServer(t *testing.T) {
	x := newIndexed(t, 64<<10)
	ctx := t.Context()
	read := func(name string) int {
		before := x.reads.reads["d."+name]
		for _, bound := range []any{0, 3, 7.5, int64(1) << 40, math.Inf(-1), math.Inf(1), nil, "", true, primitive.ObjectID{}} {
			if _, err := all(ctx, x.through.Collection(name), bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: bound}}}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}})); err != nil {
				t.Fatal(err)
			}
		}
		return x.reads.reads["d."+name] - before
	}
	for name, c := range map[string]struct{ documents, want int }{"small": {20, 0}, "large": {100, 10}} {
		for n := range c.documents {
			if _, err := x.through.Collection(name).InsertOne(ctx, bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: make([]byte, 1000)}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(name); got != c.want {
			t.Errorf("%s: %d reads reached the server, want %d", name, got, c.want)
		}
	}
	if _, err := x.through.Collection("small").DeleteOne(ctx, bson.D{{Key: "_id", Value: 3}}); err != nil {
		t.Fatal(err)
	}
	if got := read("small"); got != 1 {
		t.Errorf("after a delete %d reads reached the server, want the one that reads it whole", got)
	}
}

// Reads while writes are under way see every write that has been answered.
func TestIndexFollowsWritesUnderWay(t *testing.T) {
	x := newIndexed(t, 1<<20)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			collection := x.through.Collection("c")
			for n := range 20 {
				id := fmt.Sprintf("%d-%03d", w, n)
				if _, err := collection.InsertOne(ctx, bson.D{{Key: "_id", Value: id}}); err != nil {
					t.Error(err)
					return
				}
				if n%10 == 9 {
					if _, err := collection.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: "seen", Value: true}}}}); err != nil {
						t.Error(err)
					}
				}
				own := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: fmt.Sprintf("%d-", w)}, {Key: "$lt", Value: fmt.Sprintf("%d.", w)}}}}
				if count, err := collection.CountDocuments(ctx, own); err != nil || count != int64(n+1) {
					t.Errorf("writer %d has written %d and counts %d, %v", w, n+1, count, err)
					return
				}
			}
		})
	}
	writers.Wait()
}

// FerretDB 1 ends the connection of who asks for a type that it has not; a copy asks for every type.
func TestIndexAnswersForTypesThatTheServerHasNot(t *testing.T) {
	x := newIndexed(t, 1<<20)
	ctx := t.Context()
	for name, id := range map[string]any{"held": 1, "left": true} {
		collection := x.through.Collection(name)
		if _, err := collection.InsertOne(ctx, bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
		for _, condition := range []any{
			primitive.MinKey{}, primitive.MaxKey{}, math.NaN(), bson.D{{Key: "$eq", Value: primitive.Symbol("")}},
			bson.D{{Key: "$gte", Value: primitive.JavaScript("")}},
			bson.D{{Key: "$type", Value: bson.A{"regex", "dbPointer", "javascriptWithScope", "undefined"}}},
		} {
			if found, err := all(ctx, collection, bson.D{{Key: "_id", Value: condition}}, options.Find()); err != nil || len(found) != 0 {
				t.Errorf("%s: %v: %v, %v", name, condition, found, err)
			}
		}
	}
}
