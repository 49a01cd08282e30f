package null

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func TestTakeAgreesWithAList(t *testing.T) {
	const documents = 2*pageDocuments + 777
	random := rand.New(rand.NewPCG(1, 2))
	c := newCollection(newLayout(testOptions(Int, documents, false)), false)
	var there []int64
	for i := int64(0); i < documents; i += 1 + random.Int64N(1+random.Int64N(400)) {
		if i >= pageDocuments+1000 && i < 2*pageDocuments-1000 {
			continue // much of a page stays empty
		}
		there = append(there, i)
		if !c.add(i) || c.add(i) {
			t.Fatalf("document %d: added not at all, or twice", i)
		}
	}
	for range 300 {
		in := interval{random.Int64N(documents), random.Int64N(documents + 1)}
		from, _ := slices.BinarySearch(there, in.first)
		past, _ := slices.BinarySearch(there, in.end)
		want := slices.Clone(there[from:max(from, past)])
		if n := c.countIn(in); n != int64(len(want)) {
			t.Fatalf("%v counts %d; want %d", in, n, len(want))
		}
		descending := random.IntN(2) == 0
		if descending {
			slices.Reverse(want)
		}
		var got []int64
		for rest := in; !rest.empty(); {
			got, rest = c.take(got, rest, descending, 1+random.IntN(500))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, descending %v: took %d; want %d", in, descending, len(got), len(want))
		}
	}
	for _, i := range there {
		if !c.remove(i) || c.remove(i) {
			t.Fatalf("document %d: removed not at all, or twice", i)
		}
	}
	if n := c.count.Load(); n != 0 {
		t.Errorf("%d documents are left", n)
	}
}

func TestAddFromManySides(t *testing.T) {
	const documents = 3 * pageDocuments
	c := newCollection(newLayout(testOptions(Int, documents, false)), false)
	var group sync.WaitGroup
	var added [4]int64
	for side := range added {
		group.Go(func() {
			for i := int64(0); i < documents; i += 97 {
				if c.add(i) {
					added[side]++
				}
			}
		})
	}
	group.Wait()
	want := int64((documents + 96) / 97)
	if got := added[0] + added[1] + added[2] + added[3]; got != want || c.count.Load() != want {
		t.Errorf("%d were added and %d are there; want %d", got, c.count.Load(), want)
	}
}
