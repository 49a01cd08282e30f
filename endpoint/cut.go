package endpoint

import (
	"cmp"
	"context"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"
)

// A bracket is cut into parts by halving pieces of its key space. At each cut a few neighbouring entries of the index
// are looked up on either side, which tell how densely documents lie there, and with that about how many are in each
// piece. The pieces with most are cut on, so that cuts gather where documents crowd. Crowds that no cut has met show by
// the documents of the collection that the pieces do not account for; until they are found, these are taken to be
// anywhere, and the widest pieces are cut.
const (
	// Entries looked up at a place.
	sampleEntries = 16
	// Two lookups a cut. So many cuts for a part that is wanted, and these in all to look for crowds, which finds
	// those that take more than one of so many parts of the key space.
	cutsPerPart  = 2
	cutsToSearch = 128
	// A piece with so many times the documents of a part is cut on.
	heavyPiece = 1.25
	// Documents are looked for while the pieces do not account for this share of them.
	unseenShare = 0.25
)

// interval is a piece of the key space with documents at both of its ends, which belong to it.
type interval struct {
	low, high bson.RawValue
	width     float64 // its share of the key space between the first and the last _id
	below     float64 // how densely documents lie at its low end: how many there would be if they did so everywhere
	above     float64 // the same at its high end
	counted   float64 // documents, where all of them were seen
	closed    bool    // cannot be cut further
}

// documents is about how many are in it.
func (i interval) documents() float64 {
	if i.counted > 0 {
		return i.counted
	}
	return max(1, i.width*(i.below+i.above)/2)
}

// cut divides what lies between the first and the last _id into about want parts. Its outer ends stay open, for what
// is inserted there. The parts' shares are documents.
func (p *partitioner) cut(ctx context.Context, bracket string, first, last bson.RawValue, want int, documents int64) ([]Part, error) {
	want = max(1, want)
	intervals := []interval{{low: first, high: last, width: 1, closed: want == 1 || SameValue(first, last)}}
	for budget := cutsPerPart*want + cutsToSearch; budget > 0; {
		chosen := toCut(intervals, weightsOf(intervals, documents), want)
		if len(chosen) > min(budget, probesAtOnce/2) {
			chosen = chosen[:min(budget, probesAtOnce/2)]
		}
		if len(chosen) == 0 {
			break
		}
		budget -= len(chosen)
		halves := make([][]interval, len(chosen))
		group, groupContext := errgroup.WithContext(ctx)
		for n, at := range chosen {
			group.Go(func() error {
				var err error
				halves[n], err = p.halve(groupContext, bracket, intervals[at], first, last)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		pieces := make([]interval, 0, len(intervals)+len(chosen))
		for n, i := range intervals {
			if at := slices.Index(chosen, n); at >= 0 {
				pieces = append(pieces, halves[at]...)
			} else {
				pieces = append(pieces, i)
			}
		}
		intervals = pieces
	}
	return join(intervals, weightsOf(intervals, documents), bracket, want, last), nil
}

// weights are how many documents pieces probably hold: what was seen of them, and by their width of those that are
// somewhere in the key space with no telling where.
type weights struct {
	of     []float64
	total  float64
	unseen float64
}

func weightsOf(intervals []interval, documents int64) weights {
	seen := 0.0
	for _, i := range intervals {
		seen += i.documents()
	}
	w := weights{of: make([]float64, len(intervals)), unseen: max(0, float64(documents)-seen)}
	w.total = seen + w.unseen
	for n, i := range intervals {
		w.of[n] = i.documents() + i.width*w.unseen
	}
	return w
}

// toCut picks the pieces that hold more than a part should, the heaviest first.
func toCut(intervals []interval, w weights, want int) []int {
	searching := w.unseen > unseenShare*w.total
	var chosen []int
	for n, i := range intervals {
		if !i.closed && (len(intervals) == 1 || searching || w.of[n] > heavyPiece*w.total/float64(want)) {
			chosen = append(chosen, n)
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int { return cmp.Compare(w.of[b], w.of[a]) })
	// Half as heavy as the heaviest at least, so that none is cut before the halves of a heavier one.
	for n, at := range chosen {
		if w.of[at] < w.of[chosen[0]]/2 {
			return chosen[:n]
		}
	}
	return chosen
}

// join makes parts of neighbouring pieces, no more than are wanted.
func join(intervals []interval, w weights, bracket string, want int, last bson.RawValue) []Part {
	var parts []Part
	before, number := 0.0, -1 // documents before the piece, and the part that it falls into by its middle
	for n, i := range intervals {
		weight := w.of[n]
		at := min(int((before+weight/2)/w.total*float64(want)), want-1)
		before += weight
		latest := len(parts) - 1
		if at == number {
			parts[latest].Share += weight
			continue
		}
		if latest >= 0 {
			parts[latest].Range.Below = Value{i.low}
		}
		number = at
		parts = append(parts, Part{Range: Range{Bracket: bracket, From: Value{i.low}}, Share: weight})
	}
	parts[0].Range.From = Value{}
	parts[len(parts)-1].Top = Value{last}
	return parts
}

// halve looks up documents on both sides of an interval's middle. When there is no middle the interval comes back
// closed, and alone.
func (p *partitioner) halve(ctx context.Context, bracket string, i interval, first, last bson.RawValue) ([]interval, error) {
	alone := i
	alone.closed = true
	at, ok := middle(i.low, i.high)
	if !ok {
		return []interval{alone}, nil
	}
	var below, above []bson.RawValue
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		above, err = p.entries(ctx, Range{Bracket: bracket, From: Value{at}, Through: Value{i.high}}, 1)
		return err
	})
	group.Go(func() (err error) {
		below, err = p.entries(ctx, Range{Bracket: bracket, From: Value{i.low}, Below: Value{at}}, -1)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(above) == 0 || len(below) == 0 { // deleted meanwhile
		return []interval{alone}, nil
	}
	piece := func(low, high bson.RawValue, seen []bson.RawValue) interval {
		piece := interval{low: low, high: high, below: i.below, above: i.above,
			width: fractionOf(high, first, last) - fractionOf(low, first, last)}
		if len(seen) < sampleEntries {
			piece.counted = float64(len(seen))
		}
		piece.closed = piece.counted > 0 || SameValue(low, high)
		return piece
	}
	lower, upper := piece(i.low, below[0], below), piece(above[0], i.high, above)
	lower.above, upper.below = density(below, first, last), density(above, first, last)
	if i.below == 0 { // the whole: of its ends nothing is known
		lower.below, upper.above = lower.above, upper.below
	}
	return []interval{lower, upper}, nil
}

// density is how many documents there would be between first and last if they lay as densely as those seen.
func density(seen []bson.RawValue, first, last bson.RawValue) float64 {
	const most = 1e15
	if len(seen) < 2 {
		return 0
	}
	span := math.Abs(fractionOf(seen[len(seen)-1], first, last) - fractionOf(seen[0], first, last))
	return min(most, float64(len(seen)-1)/max(span, 1/most))
}
