package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"
	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// A copy that reads change streams has three stages (see Next). First each physical partition's stream is read from
// time zero until it has caught up. Then the _ids of both sides are compared: what a stream has left out is copied.
// Last, each stream is taken up again where it stopped, for what has changed meanwhile.

// streamPart is the part of a unit's spec that makes it one of a change stream.
type streamPart struct {
	Token   endpoint.Value `json:"token"`             // where it begins
	First   endpoint.Value `json:"first,omitzero"`    // where its partition begins, unless there
	Tail    bool           `json:"tail,omitempty"`    // it was read before, and is taken up again
	Born    bool           `json:"born,omitempty"`    // of another unit's stream, with which the server did not go on
	Attempt int            `json:"attempt,omitempty"` // how often its partition's stream has been begun before
	Depth   int            `json:"depth,omitempty"`   // how many streams have been lost on the way to this one
}

// streamCheckpoint is how far a stream is: every document before After has arrived.
type streamCheckpoint struct {
	After endpoint.Value `json:"after,omitzero"`
	Lost  bool           `json:"lost,omitempty"` // others go on with what was left of it
}

// copyOutput tells the stages of a copy apart in what its units come to.
type copyOutput struct {
	Stream *streamOutput `json:"stream,omitempty"`
	Check  *checkOutput  `json:"check,omitempty"`
}

type streamOutput struct {
	After endpoint.Value `json:"after,omitzero"` // where to take it up again; none where it was lost
	Tail  bool           `json:"tail,omitempty"`
	Lost  bool           `json:"lost,omitempty"`
	Born  bool           `json:"born,omitempty"`
}

// first is the beginning of the stream's partition.
func (s streamPart) first() endpoint.Value {
	if s.First.IsZero() {
		return s.Token
	}
	return s.First
}

// A stream that was lost is begun anew at most so many times, and a partition split so many times one after the other.
const (
	mostStreamAttempts = 3
	mostStreamDepth    = 12
)

func documentValue(document bson.Raw) endpoint.Value {
	return endpoint.Value{RawValue: bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: document}}
}

// streamUnit is the unit that reads a stream from its beginning. Its id follows from the token, so that no stream is
// read twice because two units have lost theirs to one split.
func streamUnit(work copyUnit, part streamPart, expected int64) (Unit, error) {
	work.Stream = &part
	spec, err := json.Marshal(work)
	kind, again := "stream", ""
	if part.Tail {
		kind = "tail"
	}
	if part.Attempt > 0 {
		again = fmt.Sprintf("-%d", part.Attempt)
	}
	return Unit{ID: fmt.Sprintf("%s/%s-%016x%s", work.From, kind, xxhash.Sum64(part.Token.Value), again), Spec: spec, Expected: expected}, err
}

// divideStreams makes a unit of each physical partition.
func divideStreams(ctx context.Context, reader *endpoint.Reader, writer *endpoint.Writer, p pair) ([]Unit, error) {
	tokens, err := streamTokens(ctx, reader, p.From)
	if err != nil {
		return nil, err
	}
	stats, err := reader.Stats(ctx, p.From)
	if err != nil {
		return nil, err
	}
	empty, err := writer.Vacant(ctx, p.To, endpoint.Range{}, bson.RawValue{})
	if err != nil {
		return nil, err
	}
	work := copyUnit{From: p.From, To: p.To, Own: empty, Collated: collated(p.Collection)}
	if stats.Documents > 0 {
		work.Mean = stats.Bytes / stats.Documents
	}
	units := make([]Unit, len(tokens))
	for n, token := range tokens {
		if units[n], err = streamUnit(work, streamPart{Token: documentValue(token)}, stats.Documents/int64(len(tokens))); err != nil {
			return nil, err
		}
	}
	return units, nil
}

// streamTokens asks for a collection's streams. Where there are none it says what to do.
func streamTokens(ctx context.Context, reader *endpoint.Reader, collection string) ([]bson.Raw, error) {
	tokens, err := reader.ChangeStreamTokens(ctx, collection)
	if errors.Is(err, endpoint.ErrNoChangeStreams) {
		return nil, fmt.Errorf("%w; read: ids, which is the default, reads %s by ranges of _id", err, reader.Namespace(collection))
	}
	return tokens, err
}

// readStream does a unit of a change stream.
func readStream(ctx context.Context, env Env, reader *endpoint.Reader, writer *endpoint.Writer, unit Unit, work copyUnit, task Task) (Result, error) {
	var at streamCheckpoint
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	output := streamOutput{After: at.After, Tail: work.Stream.Tail, Born: work.Stream.Born, Lost: at.Lost}
	if output.After.IsZero() {
		output.After = work.Stream.Token
	}
	if at.Lost {
		return streamResult(unit.Counts, output)
	}
	tuning := env.Tuning()
	feed := &streamFeed{env: env, task: task, cursor: reader.ReadStream(endpoint.Stream{
		Collection:     work.From,
		After:          bson.Raw(output.After.Value),
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		DocumentBytes:  work.Mean,
		Stopping:       task.Stopping(),
	})}
	defer feed.cursor.Close(ctx)
	newest, intended := newNewest(reader, work), task.Intended(writer.Namespace(work.To))
	flow := pipeline{memory: env.Memory(), task: task, newDeliverer: func() (deliverer, error) {
		return newStreamDelivery(env, writer, work, newest, task, intended), nil
	}}
	counts, err := flow.run(ctx, feed, unit.Counts)
	if err != nil {
		return Result{Counts: counts}, err
	}
	if feed.lost == nil {
		output.After = documentValue(feed.cursor.After())
		return streamResult(counts, output)
	}
	if err := passOn(ctx, env, reader, work, feed.lost, counts, task); err != nil {
		return Result{Counts: counts}, err
	}
	output.Lost = true
	return streamResult(counts, output)
}

func streamResult(counts Counts, output streamOutput) (Result, error) {
	if output.Lost {
		output.After = endpoint.Value{}
	}
	text, err := json.Marshal(copyOutput{Stream: &output})
	return Result{Counts: counts, Output: text}, err
}

// newStreamDelivery delivers what a stream brings. It is always acknowledged: a document may come twice, and that the
// target has its _id would not say which of the two has arrived. intended is what earlier attempts may have replaced.
func newStreamDelivery(env Env, writer *endpoint.Writer, work copyUnit, newest *newest, task Task, intended map[string]bool) *delivery {
	spec := env.Step().Spec.(*plans.CopySpec)
	d := newDelivery(writer, work.To, work.From, spec.OnConflict, task.Stopping())
	d.casting, d.newest = nil, newest
	d.intend, d.intended = task.Intend, intended
	if spec.Transform != nil {
		d.transform = spec.Transform.NewWorker()
	}
	return d
}

// passOn ends a unit with whose stream the server does not go on. Where its partition has been split, the streams of
// the new partitions are read instead, from time zero: what of them has been copied is found to be there. Where it has
// not, its own is read once more.
func passOn(ctx context.Context, env Env, reader *endpoint.Reader, work copyUnit, lost error, counts Counts, task Task) error {
	if work.Stream.Attempt >= mostStreamAttempts || work.Stream.Depth >= mostStreamDepth {
		return fmt.Errorf("%w, %d times; read: ids reads %s by ranges of _id", lost, work.Stream.Depth+1, reader.Namespace(work.From))
	}
	tokens, err := streamTokens(ctx, reader, work.From)
	if err != nil {
		return err
	}
	var born []Unit
	split := true
	for _, token := range tokens {
		part := streamPart{Token: documentValue(token), Born: true, Depth: work.Stream.Depth + 1}
		if endpoint.SameValue(part.Token.RawValue, work.Stream.first().RawValue) {
			split, part.Attempt = false, work.Stream.Attempt+1
		}
		unit, err := streamUnit(work, part, 0)
		if err != nil {
			return err
		}
		born = append(born, unit) // those of the other partitions are known by their ids
	}
	what := "the stream is read anew"
	if split {
		what = fmt.Sprintf("its partition has been split; there are %d now, and the streams of new ones are read from their beginnings", len(tokens))
	}
	env.Log("warn", fmt.Sprintf("%s: %v: %s", reader.Namespace(work.From), lost, what))
	state, err := json.Marshal(streamCheckpoint{Lost: true})
	if err != nil {
		return err
	}
	if err := task.SaveLast(Checkpoint{State: state, Counts: counts}, born); err != nil {
		return fmt.Errorf("save the last checkpoint of a change stream: %w", err)
	}
	return nil
}

// streamFeed reads a change stream until it has caught up, or is lost.
type streamFeed struct {
	env    Env
	task   Task
	cursor *endpoint.StreamCursor
	lost   error
}

// expected counts a document twice: once in the source's reply and once in the target's message.
func (f *streamFeed) expected() int64 { return 2 * f.cursor.Expected() }

func (f *streamFeed) next(ctx context.Context) (parcel, error) {
	if f.task.SplitWanted() {
		f.task.Indivisible()
	}
	tuning := f.env.Tuning()
	f.cursor.SetBatch(tuning.BatchDocuments, tuning.BatchBytes)
	batch, err := f.cursor.Next(ctx)
	if errors.Is(err, endpoint.ErrStreamLost) {
		f.lost = err
		return parcel{}, endpoint.ErrEnd // what is under way lands
	}
	if err != nil {
		return parcel{}, err
	}
	state, err := json.Marshal(streamCheckpoint{After: documentValue(batch.After)})
	return parcel{documents: batch.Documents, bytes: 2 * batch.Bytes, usage: batch.Usage, state: state}, err
}

// newest finds out what a document is now that a change stream has brought more than once. The batches of a unit
// arrive in any order, and a resumed unit reads again what it had read: that a version comes later does not say that
// it is newer. The source alone knows, and is asked for each document that the target has in another form. One at a
// time: between the question and what is done upon the answer nobody else of the unit may act upon an older one.
type newest struct {
	source func(ctx context.Context, ids []bson.RawValue, visit func(bson.Raw)) error
	own    bool // the target was empty: what it has under an _id is an earlier copy
	turn   sync.Mutex
}

func newNewest(reader *endpoint.Reader, work copyUnit) *newest {
	return &newest{own: work.Own, source: func(ctx context.Context, ids []bson.RawValue, visit func(bson.Raw)) error {
		return reader.FindByID(ctx, work.From, ids, visit)
	}}
}
