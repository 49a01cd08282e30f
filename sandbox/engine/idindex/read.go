package idindex

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// Fields of a read that change nothing of its answer here.
var neutral = []string{"$db", "lsid", "$readPreference", "$clusterTime", "readConcern", "comment", "maxTimeMS",
	"noCursorTimeout", "allowPartialResults", "apiVersion", "hint", "cursor"}

// query is a read that asks for nothing but _id.
type query struct {
	filter   bson.Raw
	backward bool
	onlyID   bool
	limit    int
	batch    int // documents in the first batch
	single   bool

	counts string // the field that an aggregation counts into; empty for a find
	group  bson.RawValue
	count  bool // the command count
}

// read answers a find or a count from what is held, or else lets the server answer.
func (x *Index) read(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	q, ok := parse(command)
	if !ok {
		return next(ctx, command)
	}
	if matchesNothing(q.filter) {
		return x.answer(command.Namespace(), q, nil)
	}
	if _, ok := matching(nil, q.filter); !ok {
		return next(ctx, command)
	}
	c := x.collection(command.Namespace())
	if c.unknown() {
		if err := x.load(ctx, c, command, next); err != nil {
			return nil, err
		}
	}
	all, ok := c.snapshot()
	if !ok {
		return next(ctx, command)
	}
	found, _ := matching(all, q.filter)
	return x.answer(command.Namespace(), q, found)
}

func (x *Index) answer(namespace string, q query, found []entry) (*wire.Reply, error) {
	switch {
	case q.count:
		return wire.MarshalReply(bson.D{{Key: "n", Value: int32(len(found))}, {Key: "ok", Value: 1.0}})
	case q.counts != "":
		return countReply(namespace, q, len(found))
	}
	return x.cursors.first(namespace, q, found)
}

func parse(command *wire.Command) (query, bool) {
	q := query{batch: 101}
	elements, err := command.Body.Elements()
	if err != nil {
		return q, false
	}
	for n, element := range elements {
		name, value := element.Key(), element.Value()
		if n == 0 || slices.Contains(neutral, name) {
			continue
		}
		ok := false
		switch {
		case command.Is("aggregate"):
			ok = name == "pipeline" && q.parsePipeline(value)
		case command.Is("count"):
			if name == "query" {
				q.filter, ok = value.DocumentOK()
			}
		default:
			ok = q.parseFind(name, value)
		}
		if !ok {
			return q, false
		}
	}
	q.count = command.Is("count")
	return q, !command.Is("aggregate") || q.counts != ""
}

func (q *query) parseFind(name string, value bson.RawValue) (ok bool) {
	switch name {
	case "filter":
		q.filter, ok = value.DocumentOK()
	case "sort":
		sort, isDocument := value.DocumentOK()
		keys, err := sort.Elements()
		if !isDocument || err != nil || len(keys) > 1 {
			return false
		}
		if len(keys) == 0 {
			return true
		}
		direction, isNumber := keys[0].Value().AsInt64OK()
		q.backward, ok = direction < 0, isNumber && direction*direction == 1 && keys[0].Key() == "_id"
	case "projection":
		projection, isDocument := value.DocumentOK()
		fields, err := projection.Elements()
		if !isDocument || err != nil || len(fields) > 1 {
			return false
		}
		if len(fields) == 0 {
			return true
		}
		on, isNumber := fields[0].Value().AsInt64OK()
		q.onlyID, ok = true, isNumber && on == 1 && fields[0].Key() == "_id"
	case "limit":
		q.limit, ok = whole(value)
	case "batchSize":
		q.batch, ok = whole(value)
	case "singleBatch":
		q.single, ok = value.BooleanOK()
	case "skip":
		skip, isNumber := whole(value)
		ok = isNumber && skip == 0
	}
	return ok
}

func whole(value bson.RawValue) (int, bool) {
	number, ok := value.AsInt64OK()
	return int(number), ok && number >= 0
}

// parsePipeline knows how drivers count: $match, and $group with a sum of ones.
func (q *query) parsePipeline(pipeline bson.RawValue) bool {
	array, ok := pipeline.ArrayOK()
	if !ok {
		return false
	}
	stages, err := array.Values()
	if err != nil {
		return false
	}
	if len(stages) == 2 {
		match, _ := stages[0].DocumentOK()
		if q.filter, ok = match.Lookup("$match").DocumentOK(); !ok {
			return false
		}
		stages = stages[1:]
	}
	if len(stages) != 1 {
		return false
	}
	stage, _ := stages[0].DocumentOK()
	group, _ := stage.Lookup("$group").DocumentOK()
	fields, err := group.Elements()
	if err != nil || len(fields) != 2 || fields[0].Key() != "_id" {
		return false
	}
	q.group = fields[0].Value()
	sum, _ := fields[1].Value().DocumentOK()
	ones, _ := sum.Lookup("$sum").AsInt64OK()
	constant := q.group.Type == bson.TypeNull || q.group.Type == bson.TypeInt32
	if !constant || ones != 1 {
		return false
	}
	q.counts = fields[1].Key()
	return true
}

func countReply(namespace string, q query, n int) (*wire.Reply, error) {
	batch := bson.A{}
	if n > 0 {
		batch = bson.A{bson.D{{Key: "_id", Value: q.group}, {Key: q.counts, Value: int32(n)}}}
	}
	return wire.MarshalReply(bson.D{
		{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: batch}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: namespace}}},
		{Key: "ok", Value: 1.0},
	})
}
