package steps

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
)

// caster writes without being answered, and asks afterwards.
type caster interface {
	Cast(ctx context.Context, documents []bson.Raw) error
	Arrived(ctx context.Context, ids []bson.RawValue, visit func(id bson.RawValue)) error
}

// insert brings documents to the target. With write concern 0 they are cast, and the target is asked which arrived:
// those that did not are inserted with an acknowledgement, which tells why. So are those of which an _id in the
// target would prove nothing: what it had before, documents that share their _id in this batch, and the first and the
// last one, which may share it with the batch before or after.
func (d *delivery) insert(ctx context.Context, documents []bson.Raw, array endpoint.Array) (endpoint.Inserted, error) {
	if d.casting == nil {
		return d.to.Insert(ctx, documents, array)
	}
	candidates := make(map[string]int, len(documents)) // by _id; negative: not, or no longer
	var surely []int                                   // to be acknowledged
	for n, document := range documents {
		id, _ := endpoint.IDOf(document)
		key := endpoint.IDKey(id)
		other, twice := candidates[key]
		switch {
		case twice:
			surely = append(surely, other, n)
			candidates[key] = -1
		case n == 0 || n == len(documents)-1 || d.unordered:
			surely = append(surely, n)
			candidates[key] = -1
		default:
			candidates[key] = n
		}
	}
	cast, err := d.cast(ctx, documents, candidates)
	if err != nil {
		return endpoint.Inserted{}, err
	}
	surely = append(surely, cast...)
	slices.Sort(surely)
	surely = slices.Compact(slices.DeleteFunc(surely, func(n int) bool { return n < 0 }))
	rest := make([]bson.Raw, len(surely))
	for n, index := range surely {
		rest[n] = documents[index]
	}
	inserted, err := d.to.Insert(ctx, rest, nil)
	for n := range inserted.Errors {
		inserted.Errors[n].Index = surely[inserted.Errors[n].Index]
	}
	return inserted, err
}

// cast sends the candidates, by _id, and returns the indexes of those that did not arrive by it.
func (d *delivery) cast(ctx context.Context, documents []bson.Raw, candidates map[string]int) (surely []int, err error) {
	if !d.vacant {
		if err := d.arrived(ctx, documents, candidates, func(index int) { surely = append(surely, index) }); err != nil {
			return nil, err
		}
	}
	indexes := open(candidates)
	some := make([]bson.Raw, len(indexes))
	for n, index := range indexes {
		some[n] = documents[index]
	}
	if err := d.casting.Cast(ctx, some); err != nil {
		return nil, err
	}
	if err := d.arrived(ctx, documents, candidates, func(int) {}); err != nil {
		return nil, err
	}
	return append(surely, open(candidates)...), nil
}

// open is the indexes of the candidates whose fate is not known, in order.
func open(candidates map[string]int) []int {
	indexes := make([]int, 0, len(candidates))
	for _, index := range candidates {
		if index >= 0 {
			indexes = append(indexes, index)
		}
	}
	slices.Sort(indexes)
	return indexes
}

// arrived takes those candidates out that the target has.
func (d *delivery) arrived(ctx context.Context, documents []bson.Raw, candidates map[string]int, there func(index int)) error {
	indexes := open(candidates)
	ids := make([]bson.RawValue, len(indexes))
	for n, index := range indexes {
		ids[n], _ = endpoint.IDOf(documents[index])
	}
	return d.casting.Arrived(ctx, ids, func(id bson.RawValue) {
		key := endpoint.IDKey(id)
		if index, ok := candidates[key]; ok && index >= 0 {
			there(index)
			candidates[key] = -1
		}
	})
}
