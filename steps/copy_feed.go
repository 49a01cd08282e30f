package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// copyFeed reads a copy unit's range, and gives a part of it away when a worker has run dry.
type copyFeed struct {
	ctx    context.Context
	env    Env
	reader *endpoint.Reader
	cursor *endpoint.Cursor
	task   Task
	unit   Unit
	work   copyUnit
	last   bson.RawValue // the last _id read
}

func newCopyFeed(ctx context.Context, env Env, reader *endpoint.Reader, spec *plans.CopySpec, unit Unit, work copyUnit, after bson.RawValue, task Task) *copyFeed {
	tuning := env.Tuning()
	find := endpoint.Find{
		Collection:     work.From,
		Range:          work.Range,
		After:          after,
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		DocumentBytes:  work.Mean,
		Stopping:       task.Stopping(),
	}
	find.Queries = sourceQueries(spec.Query, spec.Transform, work.Collated)
	return &copyFeed{ctx: ctx, env: env, reader: reader, cursor: reader.Find(find), task: task, unit: unit, work: work, last: after}
}

func (f *copyFeed) close() { f.cursor.Close(f.ctx) }

// expected counts a document twice: once in the source's reply and once in the target's message.
func (f *copyFeed) expected() int64 { return 2 * f.cursor.Expected() }

func (f *copyFeed) next(ctx context.Context) (parcel, error) {
	if f.task.SplitWanted() {
		if err := f.split(ctx); err != nil {
			return parcel{}, err
		}
	}
	tuning := f.env.Tuning()
	f.cursor.SetBatch(tuning.BatchDocuments, tuning.BatchBytes)
	batch, err := f.cursor.Next(ctx)
	if err != nil {
		return parcel{}, err
	}
	f.reckon(batch)
	f.last = batch.Last
	state, err := json.Marshal(copyCheckpoint{After: endpoint.Value{RawValue: batch.Last}})
	if err != nil {
		return parcel{}, err
	}
	return parcel{documents: batch.Documents, array: batch.Array, bytes: 2 * batch.Bytes, usage: batch.Usage, state: state}, nil
}

// split gives about half of what is left to a new unit.
func (f *copyFeed) split(ctx context.Context) error {
	lower, upper, ok, err := f.reader.Split(ctx, f.work.From, f.work.Range, f.last)
	if err != nil {
		return err
	}
	if !ok {
		f.task.Indivisible()
		return nil
	}
	shrunk, born := f.work, f.work
	shrunk.Range, born.Range = lower, upper
	shrunkSpec, err := json.Marshal(shrunk)
	if err != nil {
		return err
	}
	bornSpec, err := json.Marshal(born)
	if err != nil {
		return err
	}
	boundary := fnv.New64a()
	boundary.Write(upper.From.Value)
	unit := Unit{
		ID:       fmt.Sprintf("%s~%016x", rootID(f.unit.ID), boundary.Sum64()),
		Spec:     bornSpec,
		Expected: f.unit.Expected / 2,
	}
	if err := f.task.Split(shrunkSpec, unit); err != nil {
		return err
	}
	f.work = shrunk
	f.cursor.Shrink(ctx, lower.Below)
	return nil
}

// reckon tells how much is probably left, from how densely documents lie in what was read last. Where the key space
// does not tell, or the range has no upper end, it leaves the estimate as it is.
func (f *copyFeed) reckon(batch endpoint.Batch) {
	high := f.work.Range.Below.RawValue
	if f.work.Range.Below.IsZero() {
		high = f.work.Top.RawValue
	}
	first, _ := endpoint.IDOf(batch.Documents[0])
	if left, ok := endpoint.DocumentsLeft(first, batch.Last, high, len(batch.Documents)-1); ok {
		f.task.Expect(left)
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
