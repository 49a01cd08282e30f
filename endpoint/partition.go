package endpoint

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"golang.org/x/sync/errgroup"
)

// Part is a range and its likely share of the collection's documents, 0 to 1.
type Part struct {
	Range Range
	Share float64
	Top   Value // the greatest _id seen in it, where the range has no upper end
}

// Partitions is a collection cut along its _id index. The parts cover every document of every _id type and do
// not overlap. An empty collection has none.
type Partitions struct {
	Parts   []Part
	Refused []string // brackets that the server does not know, and that have no part
	Probes  int64    // queries sent, each of which read at most one index entry
}

// At most this many probes of one partitioning are under way at once.
const probesAtOnce = 16

// Partition cuts a collection into about want parts by looking up single entries of the _id index, never by
// reading it: at most four probes for a part and a few for the ends. What the key space does not tell - how
// documents crowd in it - is left to splitting units under way.
func (r *Reader) Partition(ctx context.Context, collection string, want int) (Partitions, error) {
	p := &partitioner{reader: r, collection: collection}
	first, any, err := p.edge(ctx, Range{}, 1)
	if err != nil || !any {
		return Partitions{Probes: p.probes.Load()}, err
	}
	last, _, err := p.edge(ctx, Range{}, -1)
	if err != nil {
		return Partitions{}, err
	}
	if r.info.ScansRanges {
		want = 1 // each part would cost a scan of the whole
	}
	if bracket := bracketOf(first); bracket == bracketOf(last) {
		// Types do not mingle in the index, so everything between two values of a bracket is of that bracket.
		parts, err := p.cut(ctx, bracket, first, last, want)
		return Partitions{Parts: parts, Probes: p.probes.Load()}, err
	}
	return p.mixed(ctx, want)
}

// PartitionByType is Partition that takes nothing from the first and the last _id: every type has parts of its
// own, those included of which nothing is there.
func (r *Reader) PartitionByType(ctx context.Context, collection string, want int) (Partitions, error) {
	if r.info.ScansRanges {
		want = 1
	}
	return (&partitioner{reader: r, collection: collection}).mixed(ctx, want)
}

type partitioner struct {
	reader     *Reader
	collection string
	probes     atomic.Int64
}

// mixed gives every bracket parts of its own, those included in which nothing is seen now.
func (p *partitioner) mixed(ctx context.Context, want int) (Partitions, error) {
	perBracket := make([][]Part, len(brackets))
	inhabited := atomic.Int64{}
	group, groupContext := errgroup.WithContext(ctx)
	group.SetLimit(probesAtOnce)
	for n, bracket := range brackets {
		group.Go(func() error {
			whole := Range{Bracket: bracket}
			low, any, known, err := p.first(groupContext, bracket)
			if err != nil || !known {
				return err
			}
			if !any || single(bracket) || bracket == BracketOther {
				perBracket[n] = []Part{{Range: whole}}
				if any {
					inhabited.Add(1)
				}
				return nil
			}
			high, _, err := p.edge(groupContext, whole, -1)
			if err != nil {
				return err
			}
			inhabited.Add(1)
			perBracket[n], err = p.cut(groupContext, bracket, low, high, max(1, want/4))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Partitions{}, err
	}
	out := Partitions{Probes: p.probes.Load()}
	for n, parts := range perBracket {
		if parts == nil {
			out.Refused = append(out.Refused, brackets[n])
		}
		for _, part := range parts {
			part.Share /= float64(max(1, inhabited.Load()))
			out.Parts = append(out.Parts, part)
		}
	}
	return out, nil
}

// first looks up the least _id of a bracket. known is false where the server does not know the type: then it is
// not in its collections.
func (p *partitioner) first(ctx context.Context, bracket string) (id bson.RawValue, any, known bool, err error) {
	if p.reader.info.ScansRanges && foreign(bracket) {
		return id, false, false, nil
	}
	id, any, err = p.edge(ctx, Range{Bracket: bracket}, 1)
	var refusal mongo.CommandError
	if errors.As(err, &refusal) && unknownTypeCodes[refusal.Code] {
		return id, false, false, nil
	}
	return id, any, err == nil, err
}

// unknownTypeCodes are refusals of a value in a query: bad value, failed to parse, type mismatch, not supported and
// not implemented. Any other says nothing of the type, and leaving documents out because of it would lose them.
var unknownTypeCodes = map[int32]bool{2: true, 9: true, 14: true, 115: true, 238: true}

// Brackets tells which types of _id a collection holds, and which the server does not know.
func (r *Reader) Brackets(ctx context.Context, collection string) (holds, refuses map[string]bool, err error) {
	p := &partitioner{reader: r, collection: collection}
	found := make([]struct{ any, known bool }, len(brackets))
	group, groupContext := errgroup.WithContext(ctx)
	group.SetLimit(probesAtOnce)
	for n, bracket := range brackets {
		group.Go(func() error {
			var err error
			_, found[n].any, found[n].known, err = p.first(groupContext, bracket)
			return err
		})
	}
	err = group.Wait()
	holds, refuses = map[string]bool{}, map[string]bool{}
	for n, bracket := range brackets {
		holds[bracket], refuses[bracket] = found[n].any, !found[n].known
	}
	return holds, refuses, err
}

// interval is a piece of the index with documents at both of its ends, which belong to it.
type interval struct {
	low, high bson.RawValue
	width     float64 // its share of the key space between the first and the last _id
	closed    bool    // cannot be cut further
}

// cut halves the widest intervals until there are enough. Its outer ends stay open, for what is inserted there.
func (p *partitioner) cut(ctx context.Context, bracket string, first, last bson.RawValue, want int) ([]Part, error) {
	intervals := []interval{{low: first, high: last, width: 1, closed: SameValue(first, last)}}
	for budget := 2 * want; len(intervals) < want && budget > 0; {
		chosen := widest(intervals, min(want-len(intervals), budget))
		if len(chosen) == 0 {
			break
		}
		budget -= len(chosen)
		halves := make([][]interval, len(chosen))
		group, groupContext := errgroup.WithContext(ctx)
		group.SetLimit(probesAtOnce)
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
		for n := len(chosen) - 1; n >= 0; n-- {
			intervals = slices.Replace(intervals, chosen[n], chosen[n]+1, halves[n]...)
		}
	}
	parts := make([]Part, len(intervals))
	for n, i := range intervals {
		parts[n] = Part{Range: Range{Bracket: bracket, From: Value{i.low}}, Share: i.width}
		if n+1 < len(intervals) {
			parts[n].Range.Below = Value{intervals[n+1].low}
		}
	}
	parts[0].Range.From = Value{}
	parts[len(parts)-1].Top = Value{last}
	return shared(parts), nil
}

// widest picks the indexes of the widest intervals that can be cut, in ascending order: those at least half as
// wide as the widest, so that a round never cuts a narrow one before a wide one's halves.
func widest(intervals []interval, most int) []int {
	var order []int
	for n, i := range intervals {
		if !i.closed {
			order = append(order, n)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case intervals[a].width > intervals[b].width:
			return -1
		case intervals[a].width < intervals[b].width:
			return 1
		}
		return 0
	})
	if len(order) > most {
		order = order[:most]
	}
	for n := range order {
		if intervals[order[n]].width < intervals[order[0]].width/2 {
			order = order[:n]
			break
		}
	}
	slices.Sort(order)
	return order
}

// halve looks up the documents on both sides of an interval's middle. When there is no middle the interval
// comes back closed, and alone.
func (p *partitioner) halve(ctx context.Context, bracket string, i interval, first, last bson.RawValue) ([]interval, error) {
	alone := []interval{{low: i.low, high: i.high, width: i.width, closed: true}}
	at, ok := middle(i.low, i.high)
	if !ok {
		return alone, nil
	}
	above, any, err := p.edge(ctx, Range{Bracket: bracket, From: Value{at}}, 1)
	if err != nil {
		return nil, err
	}
	below, anyBelow, err := p.edge(ctx, Range{Bracket: bracket, From: Value{i.low}, Below: Value{at}}, -1)
	if err != nil {
		return nil, err
	}
	if !any || !anyBelow { // deleted meanwhile
		return alone, nil
	}
	width := func(low, high bson.RawValue) float64 {
		return fractionOf(high, first, last) - fractionOf(low, first, last)
	}
	return []interval{
		{low: i.low, high: below, width: width(i.low, below), closed: SameValue(i.low, below)},
		{low: above, high: i.high, width: width(above, i.high), closed: SameValue(above, i.high)},
	}, nil
}

// edge returns the least (direction 1) or greatest (-1) _id of a range, and whether it has any.
func (p *partitioner) edge(ctx context.Context, in Range, direction int) (bson.RawValue, bool, error) {
	p.probes.Add(1)
	return p.reader.edge(ctx, p.collection, in, direction)
}

// edge looks up one entry of the _id index.
func (r *Reader) edge(ctx context.Context, collection string, in Range, direction int) (id bson.RawValue, any bool, err error) {
	err = r.promptly(ctx, "look up an _id in "+r.Namespace(collection), func(ctx context.Context) error {
		any = false
		document, err := r.collection(collection).FindOne(ctx, in.filter(bson.RawValue{}, false), options.FindOne().
			SetSort(bson.D{{Key: "_id", Value: direction}}).
			SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		if err != nil {
			return err
		}
		id, any = IDOf(document)
		id = CloneValue(id)
		return nil
	})
	return id, any, err
}

// shared makes the shares of parts add up to 1.
func shared(parts []Part) []Part {
	sum := 0.0
	for _, p := range parts {
		sum += p.Share
	}
	for n := range parts {
		if sum > 0 {
			parts[n].Share /= sum
		} else {
			parts[n].Share = 1 / float64(len(parts))
		}
	}
	return parts
}
