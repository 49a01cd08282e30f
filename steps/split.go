package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
)

// splitUnit gives about half of what is left of a unit's range, which was read up to and including last, to a new
// unit. spec returns the unit's spec for a range. ok is false where there is nothing to give away.
func splitUnit(ctx context.Context, reader *endpoint.Reader, task Task, unit Unit, collection string, in endpoint.Range, last bson.RawValue, spec func(endpoint.Range) any) (lower endpoint.Range, ok bool, err error) {
	lower, upper, ok, err := reader.Split(ctx, collection, in, last)
	if err != nil {
		return in, false, err
	}
	if !ok {
		task.Indivisible()
		return in, false, nil
	}
	shrunk, err := json.Marshal(spec(lower))
	if err != nil {
		return in, false, err
	}
	born, err := json.Marshal(spec(upper))
	if err != nil {
		return in, false, err
	}
	boundary := fnv.New64a()
	boundary.Write(upper.From.Value)
	err = task.Split(shrunk, Unit{
		ID:       fmt.Sprintf("%s~%016x", rootID(unit.ID), boundary.Sum64()),
		Spec:     born,
		Expected: unit.Expected / 2,
	})
	return lower, err == nil, err
}

// reckon tells how much of a range is probably left, from how densely documents lie in what was read last. top is the
// greatest _id seen where the range has no upper end. Where the key space does not tell, the estimate stays as it is.
func reckon(task Task, in endpoint.Range, top endpoint.Value, batch endpoint.Batch) {
	high := in.Below.RawValue
	if in.Below.IsZero() {
		high = top.RawValue
	}
	first, _ := endpoint.IDOf(batch.Documents[0])
	if left, ok := endpoint.DocumentsLeft(first, batch.Last, high, len(batch.Documents)-1); ok {
		task.Expect(left)
	}
}

// rootID is the id of the planned unit that a unit was split from, directly or not.
func rootID(id string) string {
	for n, r := range id {
		if r == '~' {
			return id[:n]
		}
	}
	return id
}
