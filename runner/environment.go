package runner

import (
	"context"
	"encoding/json"
	"time"

	"vida/endpoint"
	"vida/plans"
	"vida/state"
	"vida/steps"
)

// looker implements [steps.Reader]: all that a preview is handed.
type looker struct {
	plan  *plans.Plan
	step  *plans.Step
	saved map[string]state.Step
	log   func(level, message string)

	stopping <-chan struct{} // closed when nothing should wait for a server any more

	hurry     bool // somebody waits for the answer
	governors *governors
	readers   *opener[*endpoint.Reader]
}

func newLooker(r *run, step *plans.Step, log func(level, message string)) *looker {
	l := &looker{plan: r.options.Plan, step: step, saved: r.saved, governors: &r.governors, log: log}
	l.readers = newOpener(func(ctx context.Context, connection string) (*endpoint.Reader, error) {
		return endpoint.OpenReader(ctx, l.config(connection))
	})
	return l
}

func (l *looker) Plan() *plans.Plan { return l.plan }
func (l *looker) Step() *plans.Step { return l.step }

func (l *looker) Reader(ctx context.Context, connection string) (*endpoint.Reader, error) {
	return l.readers.get(ctx, connection)
}

func (l *looker) Earlier(step string) (steps.Result, bool) {
	saved, ok := l.saved[step]
	if !ok || saved.Status != StatusSucceeded && saved.Status != StatusDifferences {
		return steps.Result{}, false
	}
	var result steps.Result
	if err := json.Unmarshal(saved.Result, &result); err != nil {
		return steps.Result{}, false
	}
	return result, true
}

func (l *looker) Finished(step string) time.Time { return l.saved[step].Finished }

func (l *looker) config(connection string) endpoint.Config {
	c, t := l.plan.Connection(connection), l.step.Tuning
	return endpoint.Config{
		Name:         c.Name,
		URI:          c.URI,
		Database:     c.Database,
		Kind:         c.Kind,
		Governor:     l.governors.of(c),
		PoolSize:     t.PoolSize,
		Compressors:  t.Compressors,
		WriteConcern: t.WriteConcern,
		Retry:        endpoint.Retry(t.Retry),
		ReplyTimeout: t.ReplyTimeout,
		Stopping:     l.stopping,
		Hurry:        l.hurry || l.step.Type == plans.TypeCheckConnections,
		Log:          l.log,
	}
}

// close closes what was opened. That the server has gone by then is no news.
func (l *looker) close(ctx context.Context) {
	for _, r := range l.readers.values() {
		if err := r.Close(ctx); err != nil {
			l.log("debug", err.Error())
		}
	}
}

// environment implements [steps.Env].
type environment struct {
	*looker
	memory  *endpoint.Memory
	writers *opener[*endpoint.Writer]

	adjustments *adjustments
}

func newEnvironment(r *run, step *plans.Step) *environment {
	log := func(level, message string) {
		r.emit(Event{Type: EventLog, Level: level, StepName: step.Name, Message: message})
	}
	looker := newLooker(r, step, log)
	looker.stopping = r.options.Stop
	return &environment{
		looker: looker,
		memory: endpoint.NewMemory(max(1, step.Tuning.MaxMemory)),
		writers: newOpener(func(ctx context.Context, connection string) (*endpoint.Writer, error) {
			return endpoint.OpenWriter(ctx, looker.config(connection))
		}),
		adjustments: r.adjustments,
	}
}

func (e *environment) Writer(ctx context.Context, connection string) (*endpoint.Writer, error) {
	return e.writers.get(ctx, connection)
}

// Tuning is the step's as it is now. A batch never has more than may be in flight.
func (e *environment) Tuning() plans.Tuning {
	tuning := e.adjustments.over(e.step.Tuning)
	tuning.BatchBytes = max(1, min(tuning.BatchBytes, tuning.MaxMemory))
	return tuning
}

func (e *environment) Memory() *endpoint.Memory { return e.memory }

func (e *environment) Log(level, message string) { e.log(level, message) }

func (e *environment) close(ctx context.Context) {
	e.looker.close(ctx)
	for _, w := range e.writers.values() {
		if err := w.Close(ctx); err != nil {
			e.log("debug", err.Error())
		}
	}
}
