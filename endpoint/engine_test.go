package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sort"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// testWriter opens the engine that the tests are pointed at, on a database of the test's own.
func testWriter(t testing.TB) *Writer {
	t.Helper()
	uri := os.Getenv("VIDA_TEST_TARGET_URI")
	if uri == "" {
		t.Skip("needs an engine: set VIDA_TEST_TARGET_URI, or run make test-documentdb")
	}
	w, err := OpenWriter(context.Background(), Config{
		Name:     "target",
		URI:      uri,
		Database: fmt.Sprintf("vida_endpoint_%d", time.Now().UnixNano()),
		Kind:     KindAuto,
		PoolSize: 50,
		Retry:    Retry{For: 20 * time.Second, Initial: 10 * time.Millisecond, Max: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.database().Drop(context.Background()); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func mustMarshal(t testing.TB, v any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func decimal(t testing.TB, s string) primitive.Decimal128 {
	t.Helper()
	d, err := primitive.ParseDecimal128(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// everyID is one _id at least of every type that a collection can hold.
func everyID(t testing.TB) []any {
	return []any{
		primitive.MinKey{}, nil, math.NaN(), math.Inf(-1), -math.MaxFloat64, int64(math.MinInt64), int32(-5), -0.5, int32(0), 1e-300,
		int32(1), int64(1) << 40, 2.5, decimal(t, "3.25"), decimal(t, "1E+100"), math.Inf(1), int64(math.MaxInt64),
		"", "a", "A", "å", "order-000001", "\u2028", primitive.Symbol("symbol"),
		bson.D{}, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}, bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}, bson.D{{Key: "nested", Value: bson.D{{Key: "x", Value: "y"}}}},
		primitive.Binary{}, primitive.Binary{Data: []byte{0}}, primitive.Binary{Subtype: 4, Data: bytes.Repeat([]byte{7}, 16)},
		primitive.Binary{Subtype: 3, Data: bytes.Repeat([]byte{8}, 16)}, primitive.Binary{Subtype: 0x80, Data: []byte{1, 2, 3}}, primitive.Binary{Subtype: 5, Data: bytes.Repeat([]byte{1}, 16)},
		primitive.ObjectID{}, primitive.NewObjectID(), primitive.ObjectID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
		false, true,
		primitive.DateTime(-62135596800000), primitive.DateTime(-1), primitive.DateTime(0), primitive.DateTime(1700000000000),
		primitive.Timestamp{}, primitive.Timestamp{T: 1700000000, I: 7},
		primitive.JavaScript("function () {}"), primitive.CodeWithScope{Code: "x", Scope: bson.D{{Key: "y", Value: 1}}},
		primitive.DBPointer{DB: "a.b", Pointer: primitive.ObjectID{1}},
		primitive.MaxKey{},
	}
}

// store inserts documents with an _id each and returns those that the engine took, in the order given.
func store(t testing.TB, w *Writer, collection string, ids []any) []bson.Raw {
	t.Helper()
	inserter := w.NewInserter(collection, nil)
	defer inserter.Close()
	var documents []bson.Raw
	for n, id := range ids {
		documents = append(documents, mustMarshal(t, bson.D{{Key: "_id", Value: id}, {Key: "n", Value: n}, {Key: "text", Value: "abc"}}))
	}
	result, err := inserter.Insert(context.Background(), documents, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[int]bool{}
	for _, e := range result.Errors {
		t.Logf("the engine does not take %T: %s", ids[e.Index], e.Message)
		refused[e.Index] = true
	}
	var kept []bson.Raw
	for n, d := range documents {
		if !refused[n] {
			kept = append(kept, d)
		}
	}
	return kept
}

func readAll(t testing.TB, cursor *Cursor) []bson.Raw {
	t.Helper()
	defer cursor.Close(context.Background())
	var all []bson.Raw
	for {
		batch, err := cursor.Next(context.Background())
		if errors.Is(err, ErrEnd) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch.Documents...)
	}
}

func readParts(t testing.TB, w *Writer, collection string, parts []Part, batch int) []bson.Raw {
	t.Helper()
	var all []bson.Raw
	for _, p := range parts {
		all = append(all, readAll(t, w.Find(Find{Collection: collection, Range: p.Range, BatchDocuments: batch}))...)
	}
	return all
}

func sameDocuments(t testing.TB, got, want []bson.Raw) {
	t.Helper()
	order := func(list []bson.Raw) []string {
		out := make([]string, 0, len(list))
		for _, d := range list {
			out = append(out, string(d))
		}
		sort.Strings(out)
		return out
	}
	g, w := order(got), order(want)
	have := map[string]int{}
	for _, d := range g {
		have[d]++
	}
	for _, d := range w {
		if have[d] == 0 {
			t.Errorf("missing: %s", bson.Raw(d))
		}
		have[d]--
	}
	for d, n := range have {
		if n > 0 {
			t.Errorf("%d too many of: %s", n, bson.Raw(d))
		}
	}
}

func TestEveryTypeOfIDIsInExactlyOnePart(t *testing.T) {
	w := testWriter(t)
	stored := store(t, w, "ids", everyID(t))
	for _, want := range []int{1, 4, 40} {
		partitions, err := w.Partition(context.Background(), "ids", want, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("want %d: %d parts, %d probes", want, len(partitions.Parts), partitions.Probes)
		sameDocuments(t, readParts(t, w, "ids", partitions.Parts, 3), stored)
	}
}

// Going on after any document of any type must neither miss nor repeat what follows in its part.
func TestReadingGoesOnAfterEveryTypeOfID(t *testing.T) {
	w := testWriter(t)
	store(t, w, "ids", everyID(t))
	partitions, err := w.Partition(context.Background(), "ids", 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions.Parts {
		if p.Range.Bracket == BracketOther {
			continue // read again from its start, by design
		}
		all := readAll(t, w.Find(Find{Collection: "ids", Range: p.Range, BatchDocuments: 100}))
		for n, d := range all {
			id, _ := IDOf(d)
			rest := readAll(t, w.Find(Find{Collection: "ids", Range: p.Range, After: id, BatchDocuments: 2}))
			sameDocuments(t, rest, all[n+1:])
		}
	}
}

func TestPartitionsAreBalancedWithFewProbes(t *testing.T) {
	w := testWriter(t)
	const documents, want = 20_000, 16
	kinds := map[string]func(n int) any{
		"objectId": func(n int) any {
			return primitive.NewObjectIDFromTimestamp(time.Unix(1_600_000_000+int64(n)*60, 0))
		},
		"int":    func(n int) any { return int32(n) },
		"string": func(n int) any { return fmt.Sprintf("order-%06d", n) },
		"uuid": func(n int) any {
			h := uint64(n) * 0x9e3779b97f4a7c15
			b := make([]byte, 16)
			for i := range b {
				b[i] = byte(h >> (8 * (i % 8)))
			}
			b[8], b[9] = byte(n), byte(n>>8)
			return primitive.Binary{Subtype: 4, Data: b}
		},
	}
	for name, makeID := range kinds {
		t.Run(name, func(t *testing.T) {
			ids := make([]any, documents)
			for n := range ids {
				ids[n] = makeID(n)
			}
			stored := store(t, w, name, ids)
			partitions, err := w.Partition(context.Background(), name, want, documents)
			if err != nil {
				t.Fatal(err)
			}
			if partitions.Probes > 4*want+4 {
				t.Errorf("%d probes for %d parts", partitions.Probes, len(partitions.Parts))
			}
			if len(partitions.Parts) != want {
				t.Errorf("%d parts, wanted %d", len(partitions.Parts), want)
			}
			largest := 0
			var all []bson.Raw
			for _, p := range partitions.Parts {
				part := readAll(t, w.Find(Find{Collection: name, Range: p.Range, BatchDocuments: 2000}))
				largest = max(largest, len(part))
				all = append(all, part...)
			}
			sameDocuments(t, all, stored)
			if largest > 3*documents/want {
				t.Errorf("the largest part has %d of %d documents", largest, documents)
			}
		})
	}
}

func TestSplitsShareWhatIsLeft(t *testing.T) {
	w := testWriter(t)
	ids := make([]any, 1000)
	for n := range ids {
		ids[n] = fmt.Sprintf("k%05d", n)
	}
	stored := store(t, w, "split", ids)
	whole := Range{Bracket: BracketString}
	lower, upper, ok, err := w.Split(context.Background(), "split", whole, valueOf("k00099"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	read := func(r Range) []bson.Raw { return readParts(t, w, "split", []Part{{Range: r}}, 500) }
	low, high := read(lower), read(upper)
	sameDocuments(t, append(low, high...), stored)
	if len(high) < 300 || len(high) > 600 {
		t.Errorf("the new part has %d of the 900 documents left", len(high))
	}
	if _, _, ok, err := w.Split(context.Background(), "split", whole, valueOf("k00999")); ok || err != nil {
		t.Errorf("split with nothing left: %v, %v", ok, err)
	}
}

func TestInsertNamesEachDocumentThatIsNotTaken(t *testing.T) {
	w := testWriter(t)
	store(t, w, "c", []any{1, 2, 3})
	inserter := w.NewInserter("c", nil)
	defer inserter.Close()
	documents := []bson.Raw{
		mustMarshal(t, bson.D{{Key: "_id", Value: 2}}),
		mustMarshal(t, bson.D{{Key: "_id", Value: 10}}),
		mustMarshal(t, bson.D{{Key: "_id", Value: 3}}),
		mustMarshal(t, bson.D{{Key: "_id", Value: 11}}),
	}
	result, err := inserter.Insert(context.Background(), documents, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Errors) != 2 || result.Errors[0].Index != 0 || result.Errors[1].Index != 2 || result.Errors[0].Code != CodeDuplicateKey {
		t.Fatalf("%+v", result.Errors)
	}
	if n, err := w.Count(context.Background(), "c", nil); err != nil || n != 5 {
		t.Errorf("%d documents, %v", n, err)
	}
}

func TestLargeDocumentsAmongSmallOnes(t *testing.T) {
	w := testWriter(t)
	inserter := w.NewInserter("large", nil)
	defer inserter.Close()
	var documents []bson.Raw
	for n := range 8 {
		size := 100
		if n%2 == 1 {
			size = 15 << 20
		}
		documents = append(documents, mustMarshal(t, bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: bytes.Repeat([]byte{byte(n)}, size)}}))
	}
	result, err := inserter.Insert(context.Background(), documents, nil)
	if err != nil || len(result.Errors) > 0 {
		t.Fatal(result, err)
	}
	sameDocuments(t, readAll(t, w.Find(Find{Collection: "large", BatchDocuments: 1000})), documents)
}
