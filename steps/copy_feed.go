package steps

import (
	"context"
	"encoding/json"
	"errors"

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
	done   bool          // nothing is left to read
}

func newCopyFeed(ctx context.Context, env Env, reader *endpoint.Reader, spec *plans.CopySpec, unit Unit, work copyUnit, at copyCheckpoint, task Task) *copyFeed {
	tuning := env.Tuning()
	find := endpoint.Find{
		Collection:     work.From,
		Range:          work.Range,
		After:          at.After.RawValue,
		Seen:           at.Seen,
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		DocumentBytes:  work.Mean,
		Stopping:       task.Stopping(),
	}
	find.Queries = sourceQueries(spec.Query, spec.Transform, work.Collated)
	return &copyFeed{ctx: ctx, env: env, reader: reader, cursor: reader.Find(find), task: task, unit: unit, work: work, last: at.After.RawValue, done: at.Done}
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
	if f.done {
		return parcel{}, endpoint.ErrEnd
	}
	// Of this bracket there is no going on in the middle, so that its one checkpoint is at its end.
	resumable := f.work.Range.Bracket != endpoint.BracketOther
	tuning := f.env.Tuning()
	f.cursor.SetBatch(tuning.BatchDocuments, tuning.BatchBytes)
	batch, err := f.cursor.Next(ctx)
	if errors.Is(err, endpoint.ErrEnd) && !resumable {
		f.done = true
		state, err := json.Marshal(copyCheckpoint{Done: true})
		return parcel{state: state}, err
	}
	if err != nil {
		return parcel{}, err
	}
	reckon(f.task, f.work.Range, f.work.Top, batch)
	f.last = batch.Last
	next := parcel{documents: batch.Documents, array: batch.Array, bytes: 2 * batch.Bytes, usage: batch.Usage}
	if resumable && !batch.Cut {
		next.state, err = json.Marshal(copyCheckpoint{After: endpoint.Value{RawValue: batch.Last}, Seen: batch.Seen})
	}
	return next, err
}

// split gives about half of what is left to a new unit.
func (f *copyFeed) split(ctx context.Context) error {
	lower, ok, err := splitUnit(ctx, f.reader, f.task, f.unit, f.work.From, f.work.Range, f.last, func(in endpoint.Range) any {
		work := f.work
		work.Range = in
		return work
	})
	if err != nil || !ok {
		return err
	}
	f.work.Range = lower
	f.cursor.Shrink(ctx, lower.Below)
	return nil
}
