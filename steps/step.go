// Package steps has one file a step type. A step divides its work into units, does a unit from its last
// checkpoint, and sums up. It never prints, never opens the state and never keeps anything between two units
// but what a unit returns: it is handed what it needs through [Env] and [Task].
package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"vida/endpoint"
	"vida/plans"
)

// ErrStopped is what Do returns after it was asked to stop (see [Task.Stopping]), landed its batches in flight
// and saved them.
var ErrStopped = errors.New("stopped")

// Step is one step of a run.
type Step interface {
	// Preview says what the step would do. It is handed nothing it could write with.
	Preview(ctx context.Context, env Reader) (Preview, error)
	// Divide is called once; its units are stored before any of them starts.
	Divide(ctx context.Context, env Env) ([]Unit, error)
	// Do does a unit, from unit.Checkpoint when it is not empty. It returns the unit's totals, those of
	// earlier attempts (unit.Counts) included.
	Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error)
	// Finish is called when every unit is done, with a result for each unit in the order of their ids.
	Finish(ctx context.Context, env Env, results []Result) (Result, error)
}

// Staged is a step with work that can be divided only when what comes before it is done.
type Staged interface {
	// Next is called each time every unit is done, with all of them in the order of their ids. It returns the units
	// that follow, which are stored before any of them starts; none where nothing does.
	Next(ctx context.Context, env Env, done []DoneUnit) ([]Unit, error)
}

// DoneUnit is a unit with what it came to.
type DoneUnit struct {
	ID     string
	Spec   json.RawMessage
	Result Result
}

// Ageing is a step that may have to be done again although it is done: what it works from can change without the
// plan changing.
type Ageing interface {
	// Outdated says why, or nothing. It looks at files at most, not at servers.
	Outdated(env Reader, result Result) string
}

// Unit is a part of a step that is scheduled, retried, checkpointed, counted and shown on its own. To do it
// needs the plan and what is in here, nothing else.
type Unit struct {
	ID         string          `json:"id"`         // stable and unique within the step, sorts in the order of work
	Spec       json.RawMessage `json:"spec"`       // the step type's own form
	Checkpoint json.RawMessage `json:"checkpoint"` // the step type's own form; empty before the first one
	Counts     Counts          `json:"counts"`     // what belongs to Checkpoint
	Expected   int64           `json:"expected"`   // documents, an estimate for progress; 0 where unknown
}

// work decodes what the unit is to do.
func (u Unit) work(into any) error { return workOf(u.ID, u.Spec, into) }

// goOn decodes the unit's checkpoint, and leaves into as it is where there is none.
func (u Unit) goOn(into any) error {
	if len(u.Checkpoint) == 0 {
		return nil
	}
	if err := json.Unmarshal(u.Checkpoint, into); err != nil {
		return fmt.Errorf("unit %s: its stored checkpoint: %w", u.ID, err)
	}
	return nil
}

func workOf(id string, spec json.RawMessage, into any) error {
	if err := json.Unmarshal(spec, into); err != nil {
		return fmt.Errorf("unit %s: its stored spec: %w", id, err)
	}
	return nil
}

// Checkpoint is what is saved together, in one transaction: how far a unit is, its books up to there, and
// the documents rejected since the last one.
type Checkpoint struct {
	State   json.RawMessage
	Counts  Counts
	Rejects []Reject
}

// Task is the runner's side of a unit under way.
type Task interface {
	// Save makes a checkpoint durable before it returns.
	Save(Checkpoint) error
	// Intend makes durable what is about to be done to documents of the target that they cannot tell of afterwards.
	// The checkpoint that lists them ends it.
	Intend([]Reject) error
	// Intended returns the _ids of documents of a namespace of which Intend told, and no checkpoint since.
	Intended(namespace string) map[string]bool
	// Lists tells whether there is room in the list of differences: of one without, only the count is kept.
	Lists() bool
	// SaveLast is Save for a unit that ends with this checkpoint and gives what is left of it to others: these are
	// stored in the same transaction, and scheduled. One that is known by its id already is left as it is.
	SaveLast(last Checkpoint, born []Unit) error
	// InList tells which documents are in the step's list already, with the outcome, the namespace and the id of each.
	InList([]Reject) ([]bool, error)
	// Report adds to what the screen shows; it is not durable and may be more than the last checkpoint.
	Report(delta Counts)
	// Expect tells how many documents the unit probably has left: better than Unit.Expected, which may be far off.
	Expect(left int64)
	// SplitWanted tells that workers will soon run dry and this unit is the one to share. Answer by Split or by
	// Indivisible.
	SplitWanted() bool
	// Split stores the unit's shrunk spec and the newly born unit in one transaction and schedules the latter.
	Split(shrunk json.RawMessage, born Unit) error
	// Indivisible answers that the unit cannot be shared, now or later.
	Indivisible()
	// Stopping is closed when the run should end soon: take no more work, land and save what is in flight,
	// return ErrStopped. A cancelled context means at once.
	Stopping() <-chan struct{}
}

// stoppable returns a context that ends as well when the run should end soon, for work with nothing in flight that
// would have to land. release must be called.
func stoppable(ctx context.Context, task Task) (_ context.Context, release func()) {
	return untilClosed(ctx, task.Stopping())
}

func untilClosed(ctx context.Context, stopping <-chan struct{}) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		watcher.Wait()
	}
}

// stopping tells whether the run should end soon.
func stopping(task Task) bool {
	select {
	case <-task.Stopping():
		return true
	default:
		return false
	}
}

// work decodes what the unit was to do.
func (u DoneUnit) work(into any) error { return workOf(u.ID, u.Spec, into) }

// Result is what a unit or a step came to.
type Result struct {
	Counts Counts          `json:"counts"`
	Output json.RawMessage `json:"output,omitempty"` // for later steps; `steps.NAME.result` in a condition
	Notes  []string        `json:"notes,omitempty"`  // lines for the summary

	// FellShort is of a unit that is done as far as this run goes: it does not stop others, Finish tells of it, and a run
	// that goes on with the step after that does the unit once more.
	FellShort bool `json:"fell_short,omitempty"`
}

// Reader is what a preview may use: enough to look, nothing to write with.
type Reader interface {
	Plan() *plans.Plan
	Step() *plans.Step
	// Reader returns the named connection, opened at its first use.
	Reader(ctx context.Context, connection string) (*endpoint.Reader, error)
	// Earlier returns the stored result of a step of this plan that has finished.
	Earlier(step string) (Result, bool)
	// Finished is when that was; the zero time where Earlier knows nothing.
	Finished(step string) time.Time
}

// Env is what a running step may use.
type Env interface {
	Reader
	// Writer returns the named connection for writing, opened at its first use.
	Writer(ctx context.Context, connection string) (*endpoint.Writer, error)
	// Memory bounds the document bytes that all units of the step have in flight.
	Memory() *endpoint.Memory
	// Tuning is the step's tuning as it is now: some of it can be changed while the step runs.
	Tuning() plans.Tuning
	// Log tells the operator something worth a line. level is "debug", "info" or "warn".
	Log(level, message string)
}

// Preview is what a dry run shows of a step. Numbers are estimates; negative means unknown.
type Preview struct {
	Documents    int64
	Bytes        int64
	Units        int64
	RequestUnits float64
	Seconds      float64
	Notes        []string
}
