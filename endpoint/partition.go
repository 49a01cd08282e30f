package endpoint

import (
	"context"
	"errors"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
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
	Probes  int64    // queries sent, each of which read at most sampleEntries index entries
}

// At most this many probes of one partitioning are under way at once.
const probesAtOnce = 16

// Partition cuts a collection of about so many documents (0: unknown) into about want parts with a like number of
// documents, by looking up entries of the _id index here and there, never by reading it: see cut.go for how many.
// What that does not tell is left to splitting units under way.
func (r *Reader) Partition(ctx context.Context, collection string, want int, documents int64) (Partitions, error) {
	p := r.partitioner(collection)
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
		parts, err := p.cut(ctx, bracket, first, last, want, documents)
		return Partitions{Parts: shared(parts), Probes: p.probes.Load()}, err
	}
	return p.mixed(ctx, want, documents)
}

// PartitionByType is Partition that takes nothing from the first and the last _id: every type has parts of its
// own, those included of which nothing is there.
func (r *Reader) PartitionByType(ctx context.Context, collection string, want int, documents int64) (Partitions, error) {
	if r.info.ScansRanges {
		want = 1
	}
	return r.partitioner(collection).mixed(ctx, want, documents)
}

type partitioner struct {
	reader     *Reader
	collection string
	look       func(ctx context.Context, in Range, direction int) ([]bson.RawValue, error) // see Reader.entries
	probes     atomic.Int64
}

func (r *Reader) partitioner(collection string) *partitioner {
	return &partitioner{reader: r, collection: collection, look: func(ctx context.Context, in Range, direction int) ([]bson.RawValue, error) {
		return r.entries(ctx, collection, in, nil, direction, sampleEntries)
	}}
}

// entries looks up the least (direction 1) or greatest (-1) _ids of a range, at most sampleEntries.
func (p *partitioner) entries(ctx context.Context, in Range, direction int) ([]bson.RawValue, error) {
	p.probes.Add(1)
	return p.look(ctx, in, direction)
}

// mixed gives every bracket parts of its own, those included in which nothing is seen now. Those that hold something
// share the parts. BracketOther comes first: it is one part, for which some servers scan the collection.
func (p *partitioner) mixed(ctx context.Context, want int, documents int64) (Partitions, error) {
	perBracket := make([][]Part, len(brackets))
	lows := make([]bson.RawValue, len(brackets))
	var inhabited atomic.Int64
	err := eachBracket(ctx, func(ctx context.Context, n int) error {
		low, any, known, err := p.first(ctx, brackets[n])
		if err != nil || !known {
			return err
		}
		perBracket[n] = []Part{{Range: Range{Bracket: brackets[n]}}}
		if any {
			perBracket[n][0].Share = 1 // a document, as far as is known
			lows[n] = low
			inhabited.Add(1)
		}
		return nil
	})
	if err != nil {
		return Partitions{}, err
	}
	if inhabited.Load() > 1 {
		want, documents = max(1, want/int(inhabited.Load())), 0 // there is no telling how they are spread over the types
	}
	err = eachBracket(ctx, func(ctx context.Context, n int) error {
		bracket := brackets[n]
		if lows[n].Type == 0 || single(bracket) || bracket == BracketOther {
			return nil
		}
		high, any, err := p.edge(ctx, Range{Bracket: bracket}, -1)
		if err != nil || !any {
			return err
		}
		perBracket[n], err = p.cut(ctx, bracket, lows[n], high, want, documents)
		return err
	})
	if err != nil {
		return Partitions{}, err
	}
	out := Partitions{Probes: p.probes.Load()}
	for n, parts := range perBracket {
		if parts == nil {
			out.Refused = append(out.Refused, brackets[n])
		}
		if brackets[n] == BracketOther {
			out.Parts = append(parts, out.Parts...)
			continue
		}
		out.Parts = append(out.Parts, parts...)
	}
	out.Parts = shared(out.Parts)
	return out, nil
}

// eachBracket calls do for every bracket, several at once.
func eachBracket(ctx context.Context, do func(ctx context.Context, n int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(probesAtOnce)
	for n := range brackets {
		group.Go(func() error { return do(ctx, n) })
	}
	return group.Wait()
}

// first looks up the least _id of a bracket. known is false where the server does not know the type: then it is
// not in its collections. Of BracketOther nothing more than that is found out: what is looked for by type takes some
// servers a scan of the collection.
func (p *partitioner) first(ctx context.Context, bracket string) (id bson.RawValue, any, known bool, err error) {
	if p.reader.info.ScansRanges && foreign(bracket) {
		return id, false, false, nil
	}
	var queries []bson.Raw
	if bracket == BracketOther {
		if queries, err = oneDocument(); err != nil {
			return id, false, false, err
		}
	}
	p.probes.Add(1)
	id, any, err = p.reader.edgeOf(ctx, p.collection, Range{Bracket: bracket}, queries, 1)
	var refusal mongo.CommandError
	if errors.As(err, &refusal) && unknownTypeCodes[refusal.Code] {
		return id, false, false, nil
	}
	return id, any, err == nil, err
}

// oneDocument is a query that a look at the index answers, by an _id made this moment.
func oneDocument() ([]bson.Raw, error) {
	query, err := bson.Marshal(bson.D{{Key: "_id", Value: primitive.NewObjectID()}})
	return []bson.Raw{query}, err
}

// unknownTypeCodes are refusals of a value in a query: bad value, failed to parse, type mismatch, not supported and
// not implemented. Any other says nothing of the type, and leaving documents out because of it would lose them.
var unknownTypeCodes = map[int32]bool{2: true, 9: true, 14: true, 115: true, 238: true}

// Brackets tells which types of _id a collection holds, BracketOther perhaps, and which the server does not know.
func (r *Reader) Brackets(ctx context.Context, collection string) (holds, refuses map[string]bool, err error) {
	p := r.partitioner(collection)
	found := make([]struct{ any, known bool }, len(brackets))
	err = eachBracket(ctx, func(ctx context.Context, n int) (err error) {
		_, found[n].any, found[n].known, err = p.first(ctx, brackets[n])
		return err
	})
	holds, refuses = map[string]bool{}, map[string]bool{}
	for n, bracket := range brackets {
		holds[bracket], refuses[bracket] = found[n].any, !found[n].known
	}
	holds[BracketOther] = !refuses[BracketOther]
	return holds, refuses, err
}

// edge returns the least (direction 1) or greatest (-1) _id of a range, and whether it has any.
func (p *partitioner) edge(ctx context.Context, in Range, direction int) (bson.RawValue, bool, error) {
	p.probes.Add(1)
	return p.reader.edge(ctx, p.collection, in, direction)
}

// edge looks up one entry of the _id index.
func (r *Reader) edge(ctx context.Context, collection string, in Range, direction int) (id bson.RawValue, any bool, err error) {
	return r.edgeOf(ctx, collection, in, nil, direction)
}

// edgeOf is edge among documents that match the queries.
func (r *Reader) edgeOf(ctx context.Context, collection string, in Range, queries []bson.Raw, direction int) (id bson.RawValue, any bool, err error) {
	ids, err := r.entries(ctx, collection, in, queries, direction, 1)
	if err != nil || len(ids) == 0 {
		return bson.RawValue{}, false, err
	}
	return ids[0], true, nil
}

// entries looks up the least (direction 1) or greatest (-1) _ids in a range of documents that match the queries, at most
// so many.
func (r *Reader) entries(ctx context.Context, collection string, in Range, queries []bson.Raw, direction, most int) (ids []bson.RawValue, err error) {
	filter, err := combine(in.filter(bson.RawValue{}, false), queries)
	if err != nil {
		return nil, err
	}
	err = r.promptly(ctx, "look up _ids in "+r.Namespace(collection), func(ctx context.Context) error {
		ids = nil
		cursor, err := r.collection(collection).Find(ctx, filter, options.Find().
			SetSort(bson.D{{Key: "_id", Value: direction}}).
			SetProjection(bson.D{{Key: "_id", Value: 1}}).
			SetLimit(-int64(most))) // negative: in a single batch
		if err != nil {
			return err
		}
		defer func() { _ = cursor.Close(ctx) }()
		for cursor.Next(ctx) {
			if id, ok := IDOf(cursor.Current); ok {
				ids = append(ids, CloneValue(id))
			}
		}
		return cursor.Err()
	})
	return ids, err
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
