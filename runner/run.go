package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"vida/plans"
	"vida/state"
	"vida/steps"
)

// run is a plan being run.
type run struct {
	adjustments *adjustments

	options Options
	store   *state.Store
	saved   map[string]state.Step
	worked  bool // a step of this run did something

	governors governors

	mu     sync.Mutex // guards report, and the listener
	report Report
}

// Run runs a plan. The report's status says how it went; an error says what kept it from running: an
// [IdentityError], a [LockedError], a [UsageError], or a state that cannot be used.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.checkNames(o.Only, o.From, o.Restart); err != nil {
		return Report{}, err
	}
	lock, err := state.TakeLock(o.StateDir, o.Plan.Name)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = lock.Release() }()
	store, err := state.Open(o.StateDir, o.Plan.Name)
	if err != nil {
		return Report{}, err
	}
	r := &run{options: o, store: store, adjustments: &adjustments{options: o, store: store}}
	err = r.run(ctx)
	return r.report, errors.Join(err, store.Close())
}

func (r *run) run(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	if err := r.adjustments.begin(); err != nil {
		return err
	}
	started := time.Now()
	r.report = Report{
		Plan:    r.options.Plan.Name,
		Run:     fmt.Sprintf("%s-%d", started.UTC().Format("20060102T150405.000"), os.Getpid()),
		Status:  StatusRunning,
		Started: started,
		Process: os.Getpid(),
	}
	for _, step := range r.options.Plan.Steps {
		r.report.Steps = append(r.report.Steps, storedReport(step, r.saved[step.Name], nil))
	}
	if err := r.store.StartRun(state.Run{Name: r.report.Run, Started: started, Status: StatusRunning}, r.options.Plan.Name, r.options.Plan.Source); err != nil {
		return err
	}
	r.emit(Event{Type: EventRunStarted, Report: r.snapshot()})
	err := r.steps(ctx)
	r.mu.Lock()
	r.report.Seconds = time.Since(started).Seconds()
	r.report.Status = runStatus(r.report.Steps, stopped(ctx, r.options.Stop))
	if err != nil {
		r.report.Status = StatusFailed
	}
	r.report.Process = 0
	r.mu.Unlock()
	finished := r.snapshot()
	text, marshalErr := json.Marshal(finished)
	ended := r.adjustments.end()
	saveErr := r.store.FinishRun(state.Run{Name: r.report.Run, Finished: time.Now(), Status: finished.Status, Report: text})
	if err == nil { // else it is the state that fails, which needs to be told once
		err = errors.Join(marshalErr, ended, saveErr)
	}
	r.emit(Event{Type: EventRunFinished, Report: finished})
	return err
}

// prepare reads the saved steps, drops those to restart, and makes sure that what is left belongs to this plan.
func (r *run) prepare() error {
	var err error
	if r.saved, err = r.store.Steps(); err != nil {
		return err
	}
	if r.options.Restart != "" {
		var drop []string
		for _, step := range r.options.Plan.Steps {
			if len(drop) > 0 || step.Name == r.options.Restart {
				drop = append(drop, step.Name)
				delete(r.saved, step.Name)
			}
		}
		// Checked before anything is dropped: a plan that is refused leaves the state as it was.
		if err := checkIdentities(r.options.Plan, r.saved); err != nil {
			return err
		}
		return r.store.DropSteps(drop)
	}
	return checkIdentities(r.options.Plan, r.saved)
}

// steps runs the steps one after another.
func (r *run) steps(ctx context.Context) error {
	for n, step := range r.options.Plan.Steps {
		if stopped(ctx, r.options.Stop) {
			return nil
		}
		goOn, err := r.step(ctx, n, step)
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// step runs one step, and tells whether the next one may run. An error is one of the state, not of the step.
func (r *run) step(ctx context.Context, index int, step *plans.Step) (goOn bool, err error) {
	saved := r.saved[step.Name]
	if !r.options.selected(index) {
		if r.options.RetryRejects || saved.Status != StatusSucceeded && saved.Status != StatusDifferences {
			r.finishWithout(index, StatusSkipped, "not selected")
		} else {
			r.finishEarlier(index)
		}
		return true, nil
	}
	if r.options.RetryRejects {
		return r.retry(ctx, index, step)
	}
	if step.When != nil {
		holds, err := r.holds(step)
		if err != nil {
			r.finishWithout(index, StatusFailed, err.Error())
			return step.OnError == plans.OnErrorContinue, nil
		}
		if !holds {
			r.finishWithout(index, StatusSkipped, "when: "+step.When.Text)
			return true, nil
		}
	}
	implementation, err := r.options.step(step.Type)
	if err != nil {
		return false, err
	}
	if r.finished(index, saved) {
		why := r.outdated(implementation, step)
		if why == "" {
			r.finishEarlier(index)
			return true, nil
		}
		r.emit(Event{Type: EventLog, Level: "info", StepName: step.Name, Message: why + ": it is done again"})
	}
	e := newExecution(r, index, step, implementation)
	status, err := e.perform(ctx)
	if err != nil {
		r.finishWithout(index, StatusFailed, err.Error())
		return false, err
	}
	r.worked = r.worked || step.Type != plans.TypeCheckConnections
	switch status {
	case StatusInterrupted:
		return false, nil
	case StatusFailed:
		return step.OnError == plans.OnErrorContinue, nil
	}
	return true, nil
}

// finished tells whether a step needs nothing more. A check is worth nothing once something after it is to be
// done, nor is a verification once something before it was.
func (r *run) finished(index int, saved state.Step) bool {
	step := r.options.Plan.Steps[index]
	switch step.Type {
	case plans.TypeCheckConnections:
		return saved.Status == StatusSucceeded && r.leadsTo(index+1) && !r.anythingLeft(index+1)
	case plans.TypeVerifyCounts, plans.TypeVerifyContent, plans.TypeVerifyIndexes:
		return saved.Status == StatusSucceeded && !r.worked && !r.workedSince(index, saved.Finished)
	}
	return saved.Status == StatusSucceeded || saved.Status == StatusDifferences
}

// workedSince tells whether a step before this one ended after that time: a run that was killed between a step and
// its verification leaves the verification as it was.
func (r *run) workedSince(index int, finished time.Time) bool {
	for _, step := range r.options.Plan.Steps[:index] {
		switch step.Type {
		case plans.TypeCheckConnections, plans.TypeVerifyCounts, plans.TypeVerifyContent, plans.TypeVerifyIndexes:
			continue
		}
		if r.saved[step.Name].Finished.After(finished) {
			return true
		}
	}
	return false
}

// leadsTo tells whether anything but checks is to come. Where nothing is, who runs a check wants it done.
func (r *run) leadsTo(from int) bool {
	for n := from; n < len(r.options.Plan.Steps); n++ {
		if r.options.selected(n) && r.options.Plan.Steps[n].Type != plans.TypeCheckConnections {
			return true
		}
	}
	return false
}

// outdated says why a step that is done has to be done again all the same; empty where it has not.
func (r *run) outdated(implementation steps.Step, step *plans.Step) string {
	ageing, ok := implementation.(steps.Ageing)
	if !ok {
		return ""
	}
	looker := newLooker(r, step, func(string, string) {})
	result, ok := looker.Earlier(step.Name)
	if !ok {
		return ""
	}
	return ageing.Outdated(looker, result)
}

func (r *run) anythingLeft(from int) bool {
	for n := from; n < len(r.options.Plan.Steps); n++ {
		step := r.options.Plan.Steps[n]
		status := r.saved[step.Name].Status
		if !r.options.selected(n) || status == StatusSkipped {
			continue
		}
		implementation, err := r.options.step(step.Type)
		if status != StatusSucceeded || err != nil || r.outdated(implementation, step) != "" {
			return true
		}
	}
	return false
}

func (r *run) finishEarlier(index int) {
	r.update(index, func(s *StepReport) { s.Earlier = true })
	r.emitStep(EventStepFinished, index)
}

func (r *run) finishWithout(index int, status, why string) {
	r.update(index, func(s *StepReport) {
		s.Status = status
		if status == StatusFailed {
			s.Error = why
		} else {
			s.Notes = []string{why}
		}
	})
	if status == StatusSkipped && r.saved[r.report.Steps[index].Name].Name == "" {
		step := r.options.Plan.Steps[index]
		record := state.Step{Name: step.Name, Type: step.Type, Identity: []byte("{}"), Status: status}
		r.saved[step.Name] = record
	}
	r.emitStep(EventStepFinished, index)
}

func (r *run) update(index int, change func(*StepReport)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.report.Steps[index])
}

func (r *run) snapshot() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	copied := r.report
	copied.Steps = append([]StepReport(nil), r.report.Steps...)
	return &copied
}

func (r *run) emitStep(eventType string, index int) {
	r.mu.Lock()
	step := r.report.Steps[index]
	r.mu.Unlock()
	r.emit(Event{Type: eventType, Step: &step, StepName: step.Name})
}

func (r *run) emit(event Event) {
	if r.options.Listener == nil {
		return
	}
	event.Time = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.options.Listener.Handle(event)
}

// untilStop returns a context that ends as well when the run is asked to stop. release must be called.
func (r *run) untilStop(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-r.options.Stop:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		watcher.Wait()
	}
}

func stopped(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return ctx.Err() != nil
	}
}

// runStatus is the worst of what the steps came to.
func runStatus(list []StepReport, stopped bool) string {
	status := StatusSucceeded
	for _, s := range list {
		switch {
		case s.Status == StatusFailed:
			return StatusFailed
		case s.Status == StatusInterrupted, s.Status == StatusPending && stopped:
			status = StatusInterrupted
		case s.Status == StatusDifferences && status == StatusSucceeded:
			status = StatusDifferences
		}
	}
	return status
}

// sumUnits adds up the saved counts of units.
func sumUnits(units []state.Unit) (counts steps.Counts, done int64, expected int64, err error) {
	for _, u := range units {
		var c steps.Counts
		if len(u.Counts) > 0 {
			if err := json.Unmarshal(u.Counts, &c); err != nil {
				return counts, done, expected, fmt.Errorf("unit %s: its saved counts: %w", u.ID, err)
			}
		}
		counts = counts.Plus(c)
		if u.Done {
			done++
			expected += c.Read
		} else {
			expected += max(u.Expected, c.Read)
		}
	}
	return counts, done, expected, nil
}
