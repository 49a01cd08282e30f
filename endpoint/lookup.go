package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// At most so many _ids, and so many bytes of them, are asked for in one query: a command has to fit into a
// document of the server's largest size, and a server builds a plan from what it is given.
const (
	mostLookupIDs   = 2000
	mostLookupBytes = 4 << 20
)

// FindByID calls visit for each document of a collection whose _id is one of ids, in no order. A document is valid
// only until visit returns, and may come again after a failure that passed.
func (r *Reader) FindByID(ctx context.Context, collection string, ids []bson.RawValue, visit func(bson.Raw)) error {
	return r.lookup(ctx, collection, ids, options.Find(), visit)
}

// FindIDs is FindByID for the _id alone.
func (r *Reader) FindIDs(ctx context.Context, collection string, ids []bson.RawValue, visit func(id bson.RawValue)) error {
	return r.lookup(ctx, collection, ids, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}), func(document bson.Raw) {
		if id, ok := IDOf(document); ok {
			visit(id)
		}
	})
}

func (r *Reader) lookup(ctx context.Context, collection string, ids []bson.RawValue, how *options.FindOptions, visit func(bson.Raw)) error {
	for len(ids) > 0 {
		some, list := lookupSize(ids), bson.A{}
		for _, id := range ids[:some] {
			list = append(list, id)
		}
		err := r.promptly(ctx, "find by _id in "+r.Namespace(collection), func(ctx context.Context) error {
			// One document at a time: what comes back may be many times larger than what was asked with.
			cursor, err := r.collection(collection).Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: list}}}}, how)
			if err != nil {
				return err
			}
			defer func() { _ = cursor.Close(ctx) }()
			for cursor.Next(ctx) {
				visit(cursor.Current)
			}
			return cursor.Err()
		})
		if err != nil {
			return err
		}
		ids = ids[some:]
	}
	return nil
}

// lookupSize is how many of ids to ask for at once.
func lookupSize(ids []bson.RawValue) int {
	size := 0
	for n, id := range ids {
		size += len(id.Value) + 16
		if n > 0 && (n >= mostLookupIDs || size > mostLookupBytes) {
			return n
		}
	}
	return len(ids)
}
