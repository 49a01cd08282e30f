package endpoint

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// numbered is an index of rising int64 _ids in memory.
type numbered []int64

func (n numbered) look(_ context.Context, in Range, direction int) ([]bson.RawValue, error) {
	from, to := 0, len(n)
	if !in.From.IsZero() {
		from, _ = slices.BinarySearch(n, in.From.AsInt64())
	}
	if !in.Below.IsZero() {
		to, _ = slices.BinarySearch(n, in.Below.AsInt64())
	}
	if !in.Through.IsZero() {
		to, _ = slices.BinarySearch(n, in.Through.AsInt64()+1)
	}
	found := slices.Clone(n[from:max(from, to)])
	if direction < 0 {
		slices.Reverse(found)
	}
	var ids []bson.RawValue
	for _, id := range found[:min(len(found), sampleEntries)] {
		ids = append(ids, valueOf(id))
	}
	return ids, nil
}

// in counts what lies in a part.
func (n numbered) in(r Range) int {
	from, to := 0, len(n)
	if !r.From.IsZero() {
		from, _ = slices.BinarySearch(n, r.From.AsInt64())
	}
	if !r.Below.IsZero() {
		to, _ = slices.BinarySearch(n, r.Below.AsInt64())
	}
	return to - from
}

// crowded has a tenth of its documents all over the key space, and the rest in crowds that take one part in so many of
// it each.
func crowded(documents int, part int64, at ...float64) numbered {
	const room = 1 << 40
	ids := numbered{}
	for n := range documents / 10 {
		ids = append(ids, int64(n)*(room/int64(documents/10)))
	}
	for _, start := range at {
		each := documents * 9 / 10 / len(at)
		for n := range each {
			ids = append(ids, int64(start*room)+int64(n)*(room/part/int64(each)))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestPartsAreBalancedWhereDocumentsCrowd(t *testing.T) {
	const documents, want = 100_000, 16
	cases := map[string]numbered{
		"even":              crowded(documents, 1, 0),
		"1 % in the middle": crowded(documents, 100, 0.495),
		"1 % off a cut":     crowded(documents, 100, 0.3337),
		"1 % at the start":  crowded(documents, 100, 0),
		"1 % at the end":    crowded(documents, 100, 0.99),
		"three crowds":      crowded(documents, 100, 0.07, 0.41, 0.83),
	}
	for name, ids := range cases {
		for _, known := range []int64{int64(len(ids)), 0, int64(len(ids)) / 10, int64(len(ids)) * 10} { // counts may be stale
			t.Run(fmt.Sprintf("%s, %d known", name, known), func(t *testing.T) {
				p := &partitioner{look: ids.look}
				parts, err := p.cut(context.Background(), BracketNumber, valueOf(ids[0]), valueOf(ids[len(ids)-1]), want, known)
				if err != nil {
					t.Fatal(err)
				}
				all, largest := 0, 0
				for n, part := range parts {
					if (n == 0) != part.Range.From.IsZero() || (n == len(parts)-1) != part.Range.Below.IsZero() {
						t.Errorf("part %d of %d is %s", n, len(parts), part.Range)
					}
					if n > 0 && !SameValue(parts[n-1].Range.Below.RawValue, part.Range.From.RawValue) {
						t.Errorf("part %d is %s, the one before %s", n, part.Range, parts[n-1].Range)
					}
					all, largest = all+ids.in(part.Range), max(largest, ids.in(part.Range))
				}
				if all != len(ids) {
					t.Errorf("%d of %d documents are in the parts", all, len(ids))
				}
				t.Logf("%d parts, the largest has %d; %d probes", len(parts), largest, p.probes.Load())
				if len(parts) > want {
					t.Errorf("%d parts, wanted %d", len(parts), want)
				}
				if p.probes.Load() > 4*want+256 {
					t.Errorf("%d probes", p.probes.Load())
				}
				if known != int64(len(ids)) || name == "three crowds" { // of which one may stay unseen, to be shared later
					return
				}
				if largest > 2*len(ids)/want {
					t.Errorf("the largest of %d parts has %d of %d documents", len(parts), largest, len(ids))
				}
			})
		}
	}
}
