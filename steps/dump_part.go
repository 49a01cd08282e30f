package steps

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"vida/endpoint"
	"vida/steps/mongodump"
)

// A part is made safe and saved after so much time or so many bytes, or checkpoint_documents: what is lost by a kill is
// read again.
const (
	dumpSaveAfter = time.Second
	dumpSaveBytes = 64 << 20
)

// partWriter writes what a feed reads to a part, one batch after another: a disk takes more than a server sends, and
// other units read meanwhile.
type partWriter struct {
	env    Env
	task   Task
	counts Counts // of the unit
	part   *mongodump.Part

	state json.RawMessage // of the feed, after what was written; nil where one cannot go on
	since Counts          // the last checkpoint
	saved time.Time
}

// write brings all documents of a feed to a part.
func (w *partWriter) write(ctx context.Context, path string, at mongodump.Written, form mongodump.PartForm, source feed) (mongodump.Written, error) {
	var err error
	if w.part, err = mongodump.OpenPart(path, at, form); err != nil {
		return at, err
	}
	defer func() { _ = w.part.Close() }()
	if err := w.run(ctx, source); err != nil {
		return at, err
	}
	return w.part.End()
}

// run returns when everything is written, or ErrStopped when what is written is saved.
func (w *partWriter) run(ctx context.Context, source feed) error {
	reading, release := stoppable(ctx, w.task)
	defer release()
	w.saved = time.Now()
	for {
		err := w.batch(reading, source)
		switch {
		case errors.Is(err, endpoint.ErrEnd):
			return nil
		case err != nil && stopping(w.task) && ctx.Err() == nil:
			if err := w.save(); err != nil {
				return err
			}
			return ErrStopped
		case err != nil:
			return err
		}
	}
}

func (w *partWriter) batch(ctx context.Context, source feed) error {
	memory := w.env.Memory()
	expected := source.expected()
	if err := memory.Acquire(ctx, expected); err != nil {
		return err
	}
	next, err := source.next(ctx)
	if err != nil {
		memory.Release(expected)
		return err
	}
	memory.Adjust(expected, next.bytes)
	defer memory.Release(next.bytes)
	if err := w.part.Append(next.documents); err != nil {
		return err
	}
	counts := Counts{Read: int64(len(next.documents)), Inserted: int64(len(next.documents)), Throttled: next.usage.Throttled, Retries: next.usage.Retries}
	for _, document := range next.documents {
		counts.Bytes += int64(len(document))
	}
	w.task.Report(counts)
	w.counts = w.counts.Plus(counts)
	w.state, w.since = next.state, w.since.Plus(counts)
	if w.since.Bytes >= dumpSaveBytes || w.since.Read >= w.env.Tuning().CheckpointDocuments || time.Since(w.saved) >= dumpSaveAfter {
		return w.save()
	}
	return nil
}

// save makes safe what was written before it says so.
func (w *partWriter) save() error {
	if w.state == nil {
		return nil
	}
	var at dumpCheckpoint
	if err := json.Unmarshal(w.state, &at.copyCheckpoint); err != nil {
		return err
	}
	var err error
	if at.Written, err = w.part.Sync(); err != nil {
		return err
	}
	state, err := json.Marshal(at)
	if err != nil {
		return err
	}
	w.saved, w.since, w.state = time.Now(), Counts{}, nil
	return w.task.Save(Checkpoint{State: state, Counts: w.counts})
}
