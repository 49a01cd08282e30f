package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"vida/plans"
	"vida/state"
	"vida/steps"
)

// What a run would do with a step.
const (
	ActionRun    = "run"
	ActionResume = "resume"
	ActionSkip   = "skip"
	ActionDone   = "done"
)

// DryRunReport is what a run would do.
type DryRunReport struct {
	Plan  string
	Steps []DryRunStep
	Spent map[string]float64 // request units that finding this out took, by connection; only where there were any
}

// DryRunStep is what a run would do with a step. Numbers are estimates; negative means unknown.
type DryRunStep struct {
	Name         string
	Type         string
	Action       string
	Since        time.Time // when it was done, or began
	Documents    int64
	Bytes        int64
	Units        int64
	RequestUnits float64
	Seconds      float64
	Notes        []string
	Error        string // what kept the preview from knowing more
}

// CheckIndexFile finds every mistake of an index file that a plan names.
func CheckIndexFile(path string, text []byte) plans.Diagnostics {
	return steps.CheckIndexFile(path, text)
}

// DryRun looks at everything and changes nothing: the state is opened read-only, the servers by readers.
func DryRun(ctx context.Context, o Options) (DryRunReport, error) {
	if err := o.checkNames(o.Only, o.From, o.Restart); err != nil {
		return DryRunReport{}, err
	}
	saved, units, err := load(o)
	if err != nil {
		return DryRunReport{}, err
	}
	if o.RetryRejects {
		return lookAtRejects(o, saved)
	}
	if o.Restart != "" {
		restarted := false
		for _, step := range o.Plan.Steps {
			if restarted = restarted || step.Name == o.Restart; restarted {
				delete(saved, step.Name)
				delete(units, step.Name)
			}
		}
	}
	if err := checkIdentities(o.Plan, saved); err != nil {
		return DryRunReport{}, err
	}
	r := &run{options: o, saved: saved}
	report := DryRunReport{Plan: o.Plan.Name}
	for n, step := range o.Plan.Steps {
		looked, err := r.look(ctx, n, step, units[step.Name])
		if err != nil {
			return report, err
		}
		report.Steps = append(report.Steps, looked)
		report.Spent = r.governors.spent()
		r.worked = r.worked || looked.Action == ActionRun && step.Type != plans.TypeCheckConnections
	}
	return report, ctx.Err()
}

// lookAtRejects says which rejected documents a retry would try again.
func lookAtRejects(o Options, saved map[string]state.Step) (DryRunReport, error) {
	report := DryRunReport{Plan: o.Plan.Name}
	if err := checkIdentities(o.Plan, saved); err != nil {
		return report, err
	}
	rejected := map[string]int64{}
	err := Rejects(o, Rejections(), func(r Reject) error {
		rejected[r.Step]++
		return nil
	})
	for n, step := range o.Plan.Steps {
		out := DryRunStep{Name: step.Name, Type: step.Type, Action: ActionSkip, Documents: -1, Bytes: -1, Units: -1, RequestUnits: -1, Seconds: -1}
		switch many := rejected[step.Name]; {
		case !o.selected(n):
			out.Notes = []string{"not selected"}
		case many == 0:
			out.Notes = []string{"nothing was rejected"}
		default:
			out.Action, out.Documents = ActionRun, many
			out.Notes = []string{fmt.Sprintf("tries %d rejected documents again, and nothing else", many)}
		}
		report.Steps = append(report.Steps, out)
	}
	return report, err
}

// load reads the saved steps and their units; both are empty where there is no state.
func load(o Options) (map[string]state.Step, map[string][]state.Unit, error) {
	units := map[string][]state.Unit{}
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return map[string]state.Step{}, units, nil
	}
	if err != nil {
		return nil, nil, err
	}
	saved, err := store.Steps()
	for name := range saved {
		if err == nil {
			units[name], err = store.Units(name)
		}
	}
	return saved, units, errors.Join(err, store.Close())
}

func (r *run) look(ctx context.Context, index int, step *plans.Step, units []state.Unit) (DryRunStep, error) {
	saved := r.saved[step.Name]
	out := DryRunStep{Name: step.Name, Type: step.Type, Action: ActionRun, Documents: -1, Bytes: -1, Units: -1, RequestUnits: -1, Seconds: -1, Since: saved.Started}
	if !r.options.selected(index) {
		out.Action, out.Notes = ActionSkip, []string{"not selected"}
		return out, nil
	}
	if step.When != nil {
		if waits := r.waitsFor(index, step); waits != "" {
			out.Notes = append(out.Notes, fmt.Sprintf("when: %s (decided once step %s has run)", step.When.Text, waits))
		} else {
			holds, err := r.holds(step)
			if err != nil {
				out.Error = err.Error()
				return out, nil
			}
			if !holds {
				out.Action, out.Notes = ActionSkip, []string{"when: " + step.When.Text}
				return out, nil
			}
		}
	}
	implementation, err := r.options.step(step.Type)
	if err != nil {
		return out, err
	}
	if r.finished(index, saved) {
		why := r.outdated(implementation, step)
		if why == "" {
			out.Action, out.Since = ActionDone, saved.Finished
			return out, nil
		}
		out.Notes = append(out.Notes, why)
	}
	var read int64
	short, err := fellShort(units)
	if err != nil {
		return out, err
	}
	_, staged := implementation.(steps.Staged)
	if resumable(step) && saved.Divided && (anyUndone(units) || staged && len(short) > 0) {
		counts, done, _, err := sumUnits(units)
		if err != nil {
			return out, err
		}
		read = counts.Read
		out.Action = ActionResume
		out.Notes = append(out.Notes, fmt.Sprintf("%d of %d units and %d documents are done", done-int64(len(short)), len(units), counts.Read))
	}
	var noting sync.Mutex
	looker := newLooker(r, step, func(_, message string) {
		noting.Lock()
		defer noting.Unlock()
		out.Notes = append(out.Notes, message)
	})
	looker.hurry = true
	defer looker.close(context.WithoutCancel(ctx))
	preview, err := implementation.Preview(ctx, looker)
	if err != nil {
		out.Error = err.Error()
	}
	out.Documents, out.Bytes, out.Units = preview.Documents, preview.Bytes, preview.Units
	out.RequestUnits, out.Seconds = preview.RequestUnits, preview.Seconds
	if read > 0 && preview.Documents > 0 && preview.RequestUnits > 0 { // what is left of it
		left := max(0, 1-float64(read)/float64(preview.Documents))
		out.RequestUnits, out.Seconds = left*preview.RequestUnits, left*preview.Seconds
	}
	out.Notes = append(out.Notes, preview.Notes...)
	return out, nil
}

// Status is the plan as its state says, without a step of it being run. A run is running when its lock is held.
func Status(o Options) (Report, error) {
	process, held, err := state.LockHolder(o.StateDir, o.Plan.Name)
	if err != nil {
		return Report{}, err
	}
	saved, units, err := load(o)
	if err != nil {
		return Report{}, err
	}
	report := Report{Plan: o.Plan.Name, Status: StatusPending, Process: process}
	runs, err := History(o)
	if err != nil {
		return Report{}, err
	}
	if len(runs) > 0 {
		report.Run, report.Status, report.Started, report.Seconds = runs[0].Run, runs[0].Status, runs[0].Started, runs[0].Seconds
	}
	for _, step := range o.Plan.Steps {
		s := storedReport(step, saved[step.Name], units[step.Name])
		if s.Status == StatusRunning && !held {
			s.Status = StatusInterrupted
		}
		report.Steps = append(report.Steps, s)
	}
	if held {
		if report.Adjustment, err = Adjusted(o); err != nil {
			return Report{}, err
		}
		report.Status = StatusRunning
		report.Seconds = time.Since(report.Started).Seconds()
	}
	return report, nil
}

// History returns the runs of a plan, the latest first.
func History(o Options) ([]Report, error) {
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	runs, err := store.Runs()
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	_, held, err := state.LockHolder(o.StateDir, o.Plan.Name)
	if err != nil {
		return nil, err
	}
	reports := make([]Report, len(runs))
	for n, saved := range runs {
		if len(saved.Report) > 0 {
			if err := json.Unmarshal(saved.Report, &reports[n]); err != nil {
				return nil, fmt.Errorf("run %s: its saved report: %w", saved.Name, err)
			}
			continue
		}
		reports[n] = Report{Plan: o.Plan.Name, Run: saved.Name, Status: saved.Status, Started: saved.Started}
		if saved.Status == StatusRunning && (n > 0 || !held) {
			reports[n].Status = StatusInterrupted
		}
	}
	return reports, nil
}

// Reset drops the progress of the named steps, of all where none is named. Nothing in any database changes.
func Reset(o Options, names []string) error {
	if err := o.checkNames(names...); err != nil {
		return err
	}
	lock, err := state.TakeLock(o.StateDir, o.Plan.Name)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	store, err := state.Open(o.StateDir, o.Plan.Name)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		saved, err := store.Steps()
		if err != nil {
			return errors.Join(err, store.Close())
		}
		for name := range saved {
			names = append(names, name)
		}
	}
	return errors.Join(store.DropSteps(names), store.Close())
}

// unbalanced counts the units whose books do not balance.
func unbalanced(units []state.Unit) (n int64) {
	for _, u := range units {
		var c steps.Counts
		if len(u.Counts) > 0 && (json.Unmarshal(u.Counts, &c) != nil || !c.Balanced()) {
			n++
		}
	}
	return n
}

// storedReport is a step as its saved record and units say.
func storedReport(step *plans.Step, saved state.Step, units []state.Unit) StepReport {
	report := StepReport{Name: step.Name, Type: step.Type, Status: StatusPending}
	if saved.Name == "" {
		return report
	}
	report.Status, report.Started, report.Finished, report.Seconds, report.Error = saved.Status, saved.Started, saved.Finished, saved.Seconds, saved.Error
	var result steps.Result
	if len(saved.Result) > 0 && json.Unmarshal(saved.Result, &result) == nil {
		report.Counts, report.Notes, report.Result = result.Counts, result.Notes, result.Output
	}
	if units == nil {
		return report
	}
	if counts, done, expected, err := sumUnits(units); err == nil {
		report.UnitsTotal, report.UnitsDone, report.Expected = int64(len(units)), done, expected
		if steps.KeepsBooks(step.Type) {
			report.Unbalanced = unbalanced(units)
		}
		if saved.Status != StatusSucceeded && saved.Status != StatusDifferences {
			report.Counts = counts
			if usage, err := storedUsage(step.Name, saved.Usage); err == nil {
				report.Counts = counts.Plus(usage)
			}
		}
	}
	return report
}
