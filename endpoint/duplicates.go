package endpoint

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// Duplicate is a value that several documents have.
type Duplicate struct {
	Values    bson.Raw // of the fields of the key, by their names
	Documents int64
	IDs       []bson.RawValue // of some of the documents
}

// Duplicates asks for values of the fields of a unique index that several documents have. The server looks for
// them for at most a minute. Values inside of arrays, and those that a collation makes equal, are not seen.
type Duplicates struct {
	Fields []string
	Filter bson.Raw // of a partial index; nil: every document
	Sparse bool     // documents without any of the fields do not count
	Most   int
}

const duplicatesTime = time.Minute

// Find returns some duplicates of a collection, without patience: it is asked for after something else has failed.
func (d Duplicates) Find(ctx context.Context, r *Reader, collection string) ([]Duplicate, error) {
	ctx, cancel := context.WithTimeout(ctx, duplicatesTime)
	defer cancel()
	groups, err := d.groups(ctx, r, collection, true)
	if Code(err) != 0 { // not every server has $ifNull; without it a null and an absent field look different
		groups, err = d.groups(ctx, r, collection, false)
	}
	if err != nil {
		return nil, fmt.Errorf("connection %s: look for duplicates in %s: %w", r.config.Name, r.Namespace(collection), r.scrub(err))
	}
	found := make([]Duplicate, 0, len(groups))
	for _, group := range groups {
		one := Duplicate{Documents: number(group, "n", 0)}
		values := bson.D{}
		for n, name := range d.Fields {
			value, err := group.LookupErr("_id", fmt.Sprintf("k%d", n))
			if err != nil {
				value = bson.RawValue{Type: bson.TypeNull}
			}
			values = append(values, bson.E{Key: name, Value: value})
		}
		if one.Values, err = bson.Marshal(values); err != nil {
			return nil, err
		}
		if one.IDs, err = d.ids(ctx, r.collection(collection), values); err != nil {
			return nil, fmt.Errorf("connection %s: look for duplicates in %s: %w", r.config.Name, r.Namespace(collection), r.scrub(err))
		}
		found = append(found, one)
	}
	return found, nil
}

// match is which documents count.
func (d Duplicates) match() bson.D {
	conditions := bson.A{}
	if d.Filter != nil {
		conditions = append(conditions, d.Filter)
	}
	if d.Sparse {
		some := bson.A{}
		for _, name := range d.Fields {
			some = append(some, bson.D{{Key: name, Value: bson.D{{Key: "$exists", Value: true}}}})
		}
		conditions = append(conditions, bson.D{{Key: "$or", Value: some}})
	}
	if len(conditions) == 0 {
		return bson.D{}
	}
	return bson.D{{Key: "$and", Value: conditions}}
}

func (d Duplicates) groups(ctx context.Context, r *Reader, collection string, nullsAlike bool) ([]bson.Raw, error) {
	key := bson.D{}
	for n, name := range d.Fields {
		var value any = "$" + name
		if nullsAlike {
			value = bson.D{{Key: "$ifNull", Value: bson.A{value, nil}}}
		}
		key = append(key, bson.E{Key: fmt.Sprintf("k%d", n), Value: value})
	}
	stage := func(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }
	pipeline := []bson.D{
		stage("$group", bson.D{{Key: "_id", Value: key}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}),
		stage("$match", bson.D{{Key: "n", Value: bson.D{{Key: "$gt", Value: 1}}}}),
		stage("$limit", d.Most),
	}
	if match := d.match(); len(match) > 0 {
		pipeline = append([]bson.D{stage("$match", match)}, pipeline...)
	}
	cursor, err := r.collection(collection).Aggregate(ctx, pipeline, options.Aggregate().SetAllowDiskUse(true).SetMaxTime(duplicatesTime))
	if err != nil {
		return nil, err
	}
	var groups []bson.Raw
	err = cursor.All(ctx, &groups)
	return groups, err
}

// ids returns the _ids of some documents that have the values.
func (d Duplicates) ids(ctx context.Context, collection *mongo.Collection, values bson.D) ([]bson.RawValue, error) {
	filter := append(bson.D{}, d.match()...)
	for _, value := range values {
		filter = append(filter, bson.E{Key: value.Key, Value: bson.D{{Key: "$eq", Value: value.Value}}})
	}
	const some = 3
	cursor, err := collection.Find(ctx, filter, options.Find().SetLimit(some).SetProjection(bson.D{{Key: "_id", Value: 1}}).SetMaxTime(duplicatesTime))
	if err != nil {
		return nil, err
	}
	var documents []bson.Raw
	if err := cursor.All(ctx, &documents); err != nil {
		return nil, err
	}
	var ids []bson.RawValue
	for _, document := range documents {
		if id, ok := IDOf(document); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
