package model_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenOrders(t *testing.T) {
	g := model.New(seed)
	for i := range int64(3) {
		compact, err := bson.MarshalExtJSON(bson.Raw(g.AppendOrder(nil, i)), true, false)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, compact, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		path := filepath.Join("testdata", fmt.Sprintf("seed-1-order-%d.json", i))
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("order %d of seed 1 is no longer %s; collections generated before cannot be resumed. Got:\n%s", i, path, got.Bytes())
		}
	}
}

// Any worker makes the same order, whatever it made before and whatever it appends to.
func TestOrderIsAFunctionOfSeedAndNumber(t *testing.T) {
	const n = 3000
	shared := model.New(seed)
	want := make([][]byte, n)
	for i := range want {
		want[i] = shared.AppendOrder(nil, int64(i))
	}
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			g := shared
			if w%2 == 0 {
				g = model.New(seed)
			}
			prefix := []byte("what was there")
			for i := n - 1; i >= 0; i-- {
				got := g.AppendOrder(prefix, int64(i))
				if !bytes.HasPrefix(got, prefix) || !bytes.Equal(got[len(prefix):], want[i]) {
					t.Errorf("order %d differs when made by worker %d", i, w)
					return
				}
			}
		})
	}
	workers.Wait()
	if bytes.Equal(model.New(seed+1).AppendOrder(nil, 0), want[0]) {
		t.Error("another seed makes the same order")
	}
}

func TestOrdersAreValidBSON(t *testing.T) {
	numbers := []int64{0, 1, 1023, 1024, 1<<24 - 1, 1 << 24, 61_000_000, 1 << 35, 1<<40 - 1}
	for i := range int64(20_000) {
		numbers = append(numbers, i*104_729*499)
	}
	for _, seed := range []int64{0, seed, -1, math.MinInt64, math.MaxInt64} {
		g := model.New(seed)
		var buffer []byte
		for _, i := range numbers {
			buffer = g.AppendOrder(buffer[:0], i)
			if err := bson.Raw(buffer).Validate(); err != nil {
				t.Fatalf("order %d of seed %d: %v", i, seed, err)
			}
		}
	}
}

// The order of the fields, at every level, is that of the Go types, which know every field.
func TestFieldsAreInOrderAndAllThere(t *testing.T) {
	g := model.New(seed)
	for i := range int64(2000) {
		compareFields(t, "", bson.Raw(g.AppendOrder(nil, i)), reflect.TypeFor[model.ServiceOrder]())
	}
}

func compareFields(t *testing.T, path string, document bson.Raw, of reflect.Type) {
	t.Helper()
	elements, err := document.Elements()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, e := range elements {
		got = append(got, e.Key())
	}
	for n := range of.NumField() {
		want = append(want, of.Field(n).Tag.Get("bson"))
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q has the fields %v, not %v", path, got, want)
	}
	for n, e := range elements {
		field := of.Field(n).Type
		if inner, ok := e.Value().DocumentOK(); ok {
			compareFields(t, path+"."+e.Key(), inner, field)
		}
		if array, ok := e.Value().ArrayOK(); ok && field.Elem().Kind() == reflect.Struct {
			values, err := array.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				compareFields(t, path+"."+e.Key(), v.Document(), field.Elem())
			}
		}
	}
}

// What a reader decodes and writes again is the very same document: no type or width is other than it says.
func TestTypesEncodeToTheSameBytes(t *testing.T) {
	g := model.New(seed)
	for i, o := range decoded(t)[:2000] {
		got, err := bson.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, g.AppendOrder(nil, int64(i))) {
			t.Fatalf("order %d is another document after decoding and encoding", i)
		}
	}
}

func TestOrderIDsRiseAndDiffer(t *testing.T) {
	seeds := []int64{0, 1, 2, 1 << 39, 1<<40 - 1, 1 << 40, -1, math.MinInt64}
	seen := map[[12]byte]int64{}
	for _, seed := range seeds {
		g := model.New(seed)
		var last [12]byte
		check := func(i int64) {
			id := g.OrderID(i)
			if bytes.Compare(id[:], last[:]) <= 0 {
				t.Fatalf("seed %d: the _id of order %d, %x, does not come after %x", seed, i, id, last)
			}
			if other, ok := seen[id]; ok {
				t.Fatalf("seeds %d and %d share _id %x", seed, other, id)
			}
			seen[id], last = seed, id
		}
		for i := range int64(10_000) {
			check(i)
		}
		for bit := 14; bit < 40; bit++ {
			check(1<<bit - 1)
			check(1 << bit)
			check(1<<bit + 1)
		}
		check(model.MaxOrders - 1)
		order := bson.Raw(g.AppendOrder(nil, 4711))
		if id := order.Lookup("_id").ObjectID(); id != g.OrderID(4711) {
			t.Errorf("seed %d: the document's _id is %x, OrderID says %x", seed, id, g.OrderID(4711))
		}
	}
}

func TestNumbersOutsideAreRefused(t *testing.T) {
	for _, i := range []int64{-1, math.MinInt64, model.MaxOrders, math.MaxInt64} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), fmt.Sprint(i)) {
					t.Errorf("order %d: recovered %v, wanted a panic that names it", i, r)
				}
			}()
			model.New(seed).AppendOrder(nil, i)
		}()
	}
}

func TestSize(t *testing.T) {
	g := model.New(seed)
	sum, largest := 0, 0
	var buffer []byte
	for i := range int64(50_000) {
		buffer = g.AppendOrder(buffer[:0], i)
		sum += len(buffer)
		largest = max(largest, len(buffer))
	}
	if mean := sum / 50_000; mean < 1700 || mean > 1900 {
		t.Errorf("an order has %d bytes on average, not 1700 to 1900", mean)
	}
	if largest > 3500 {
		t.Errorf("the largest order has %d bytes", largest)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	g := model.New(seed)
	buffer := make([]byte, 0, 8192)
	i := int64(0)
	if n := testing.AllocsPerRun(2000, func() { buffer = g.AppendOrder(buffer[:0], i); i++ }); n != 0 {
		t.Errorf("%v allocations an order", n)
	}
}

func BenchmarkAppendOrder(b *testing.B) {
	g := model.New(seed)
	var buffer []byte
	var size int64
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		buffer = g.AppendOrder(buffer[:0], i)
		size += int64(len(buffer))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(size)/float64(b.N), "bytes/doc")
}
