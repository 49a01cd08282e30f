package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vida/endpoint"
	"vida/plans"
	"vida/state"
	"vida/steps"
)

// execution is a step being run.
type execution struct {
	run     *run
	index   int
	step    *plans.Step
	do      steps.Step
	record  state.Step
	begun   time.Time
	before  float64      // seconds of earlier runs
	usage   steps.Counts // of earlier runs, beyond what units count
	env     *environment
	list    *listing
	intents *intents
	staged  bool // it is at units that came after others
}

func newExecution(r *run, index int, step *plans.Step, do steps.Step) *execution {
	return &execution{run: r, index: index, step: step, do: do, begun: time.Now()}
}

// perform does the step and returns the status it ended with. An error is one of the state.
func (e *execution) perform(ctx context.Context) (string, error) {
	if err := e.start(); err != nil {
		return "", err
	}
	e.env = newEnvironment(e.run, e.step)
	result, failure := e.work(ctx, e.env)
	e.env.close(context.WithoutCancel(ctx))
	return e.finish(ctx, result, failure)
}

// stateError is a failure of the state file, which ends the run whatever on_error says.
type stateError struct{ err error }

func (e *stateError) Error() string { return e.err.Error() }
func (e *stateError) Unwrap() error { return e.err }

func (e *execution) start() error {
	saved := e.run.saved[e.step.Name]
	identity, err := json.Marshal(e.step.Identity)
	if err != nil {
		return err
	}
	e.before = saved.Seconds
	// A step that ended is done anew. One that was interrupted goes on, also where nothing but the summing up is
	// left: copying all of it again because of that would be a poor way to go on.
	again := saved.Status != StatusRunning && saved.Status != StatusInterrupted
	if saved.Status == StatusFailed {
		units, err := e.run.store.Units(e.step.Name)
		if err != nil {
			return err
		}
		// What comes after its units is what failed then: of a staged step, units that are still to be divided.
		_, staged := e.do.(steps.Staged)
		again = !anyUndone(units) && !staged
	}
	again = again || !resumable(e.step)
	e.record = state.Step{Name: e.step.Name, Type: e.step.Type, Identity: identity, Status: StatusRunning, Started: saved.Started, Seconds: saved.Seconds, Divided: saved.Divided && !again}
	if !again {
		e.record.Usage = saved.Usage
	}
	if e.usage, err = storedUsage(e.step.Name, e.record.Usage); err != nil {
		return err
	}
	if e.record.Started.IsZero() {
		e.record.Started = e.begun
	}
	save := e.run.store.SaveStep
	if again {
		save = e.run.store.SaveStepAnew
	}
	if err := save(e.record); err != nil {
		return err
	}
	e.run.update(e.index, func(s *StepReport) {
		*s = StepReport{Name: e.step.Name, Type: e.step.Type, Status: StatusRunning, Started: e.record.Started, Seconds: e.before, Workers: s.Workers}
	})
	e.run.emitStep(EventStepStarted, e.index)
	return nil
}

// work divides the step where that was not done before, does its units, and sums up.
func (e *execution) work(ctx context.Context, env *environment) (steps.Result, error) {
	units, err := e.units(ctx, env)
	if err != nil {
		return steps.Result{}, err
	}
	if e.list, err = newListing(e.run.store, e.step.Name, bounds{steps.MostDifferences, steps.MostConflicts, e.step.Tuning.MaxRejects}); err != nil {
		return steps.Result{}, &stateError{err}
	}
	if e.intents, err = loadIntents(e.run.store, e.step.Name); err != nil {
		return steps.Result{}, &stateError{err}
	}
	for {
		p := newPool(e, env, units)
		if err := p.run(ctx); err != nil {
			return steps.Result{}, err
		}
		if units, err = e.run.store.Units(e.step.Name); err != nil {
			return steps.Result{}, &stateError{err}
		}
		results := make([]steps.Result, len(units))
		for n, u := range units {
			if err := json.Unmarshal(u.Result, &results[n]); err != nil {
				return steps.Result{}, fmt.Errorf("unit %s: its saved result: %w", u.ID, err)
			}
		}
		more, err := e.next(ctx, env, units, results)
		if err != nil {
			return steps.Result{}, err
		}
		if !more {
			return e.do.Finish(ctx, env, results)
		}
		if units, err = e.run.store.Units(e.step.Name); err != nil {
			return steps.Result{}, &stateError{err}
		}
	}
}

// next stores the units that follow from those that are done, and tells whether there are any.
func (e *execution) next(ctx context.Context, env *environment, done []state.Unit, results []steps.Result) (bool, error) {
	staged, ok := e.do.(steps.Staged)
	if !ok {
		return false, nil
	}
	units := make([]steps.DoneUnit, len(done))
	for n, u := range done {
		units[n] = steps.DoneUnit{ID: u.ID, Spec: u.Spec, Result: results[n]}
	}
	ctx, release := e.run.untilStop(ctx)
	defer release()
	more, err := staged.Next(ctx, env, units)
	if err != nil || len(more) == 0 {
		return false, err
	}
	e.staged = true
	if err := e.run.store.AddUnits(e.step.Name, toStoredUnits(more)); err != nil {
		return false, &stateError{err}
	}
	return true, nil
}

// units returns the step's units: those of an earlier run that did not finish, or new ones.
func (e *execution) units(ctx context.Context, env *environment) ([]state.Unit, error) {
	stored, err := e.run.store.Units(e.step.Name)
	if err != nil {
		return nil, &stateError{err}
	}
	if e.record.Divided {
		return e.reopened(stored)
	}
	ctx, release := e.run.untilStop(ctx) // nothing is in flight yet that would have to land
	defer release()
	divided, err := e.do.Divide(ctx, env)
	if err != nil {
		return nil, err
	}
	if err := e.run.store.Divide(e.step.Name, toStoredUnits(divided)); err != nil {
		return nil, &stateError{err}
	}
	if stored, err = e.run.store.Units(e.step.Name); err != nil {
		return nil, &stateError{err}
	}
	return stored, nil
}

// reopened are the units of a step that goes on: those that fell short are to be done once more.
func (e *execution) reopened(units []state.Unit) ([]state.Unit, error) {
	short, err := fellShort(units)
	if err != nil || len(short) == 0 {
		return units, err
	}
	if err := e.run.store.ReopenUnits(e.step.Name, short); err != nil {
		return nil, &stateError{err}
	}
	if units, err = e.run.store.Units(e.step.Name); err != nil {
		return nil, &stateError{err}
	}
	return units, nil
}

// fellShort are the ids of units that are done and are to be done once more by a run that goes on.
func fellShort(units []state.Unit) (ids []string, err error) {
	for _, u := range units {
		var result steps.Result
		if !u.Done {
			continue
		}
		if err := json.Unmarshal(u.Result, &result); err != nil {
			return nil, fmt.Errorf("unit %s: its saved result: %w", u.ID, err)
		}
		if result.FellShort {
			ids = append(ids, u.ID)
		}
	}
	return ids, nil
}

// resumable tells whether what an interrupted step found out is still worth something. How servers answered
// before an interruption is not.
func resumable(step *plans.Step) bool { return step.Type != plans.TypeCheckConnections }

func anyUndone(units []state.Unit) bool {
	for _, u := range units {
		if !u.Done {
			return true
		}
	}
	return false
}

// used is what the step took, this run and earlier ones together, beyond what its units count.
func (e *execution) used() steps.Counts { return e.usage.Plus(e.env.used()) }

// isStop tells whether a failure is but the answer to having been asked to stop.
func isStop(failure error) bool {
	return errors.Is(failure, steps.ErrStopped) || errors.Is(failure, endpoint.ErrStopping) || errors.Is(failure, context.Canceled)
}

// finish stores and reports how the step ended.
func (e *execution) finish(ctx context.Context, result steps.Result, failure error) (string, error) {
	var broken *stateError
	if errors.As(failure, &broken) {
		return "", broken.err
	}
	status := StatusSucceeded
	switch {
	case failure != nil && stopped(ctx, e.run.options.Stop) && (isStop(failure) || ctx.Err() != nil):
		status, failure = StatusInterrupted, nil
	case failure != nil:
		status = StatusFailed
	case result.Counts.FellShort():
		status = StatusDifferences
	}
	units, err := e.run.store.Units(e.step.Name)
	if err != nil {
		return "", err
	}
	counts, done, expected, err := sumUnits(units)
	if err != nil {
		return "", err
	}
	used := e.used()
	result.Counts = result.Counts.Plus(used)
	if counts = counts.Plus(used); status == StatusSucceeded || status == StatusDifferences {
		counts = result.Counts
	}
	e.record.Status = status
	e.record.Finished = time.Now()
	e.record.Seconds = e.before + time.Since(e.begun).Seconds()
	if failure != nil {
		e.record.Error = failure.Error()
	}
	if e.record.Result, err = json.Marshal(result); err != nil {
		return "", err
	}
	if e.record.Usage, err = json.Marshal(used); err != nil {
		return "", err
	}
	if err := e.run.store.SaveStep(e.record); err != nil {
		return "", err
	}
	e.run.saved[e.step.Name] = e.record
	e.run.update(e.index, func(s *StepReport) {
		s.Status, s.Finished, s.Seconds, s.Error, s.Notes = status, e.record.Finished, e.record.Seconds, e.record.Error, result.Notes
		s.Result = result.Output
		s.Counts, s.UnitsTotal, s.UnitsDone, s.Expected = counts, int64(len(units)), done, expected
		s.DocumentsPerSec, s.BytesPerSec, s.RequestUnitsPerSec, s.ThrottledPerSec = 0, 0, 0, 0
	})
	e.run.emitStep(EventStepFinished, e.index)
	return status, nil
}
