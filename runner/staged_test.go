package runner

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"vida/steps"
)

// staging is a step of two stages: numbers, each of whose units passes on its last one, and then a unit that depends
// on what the others came to.
type staging struct {
	fails int            // how often dividing the second stage fails
	done  map[string]int // how often each unit was done
	sums  int64          // what the second stage was told
}

func (s *staging) Preview(context.Context, steps.Reader) (steps.Preview, error) {
	return steps.Preview{}, nil
}

func (s *staging) Divide(context.Context, steps.Env) ([]steps.Unit, error) {
	return []steps.Unit{{ID: "a", Spec: []byte("{}")}, {ID: "b", Spec: []byte("{}")}}, nil
}

func (s *staging) Next(_ context.Context, _ steps.Env, done []steps.DoneUnit) ([]steps.Unit, error) {
	s.sums = 0
	for _, unit := range done {
		if unit.ID == "z" {
			return nil, nil
		}
		s.sums += unit.Result.Counts.Read
	}
	if s.fails > 0 {
		s.fails--
		return nil, errors.New("not now")
	}
	return []steps.Unit{{ID: "z", Spec: []byte("{}")}}, nil
}

func (s *staging) Do(_ context.Context, _ steps.Env, unit steps.Unit, task steps.Task) (steps.Result, error) {
	s.done[unit.ID]++
	counts := steps.Counts{Read: 1, Rejected: 1}
	last := steps.Checkpoint{State: json.RawMessage(`1`), Counts: counts, Rejects: []steps.Reject{{Outcome: steps.OutcomeRejected, Namespace: "d.c", ID: unit.ID}}}
	var born []steps.Unit
	if unit.ID == "a" || unit.ID == "b" { // both have the same child
		born = []steps.Unit{{ID: "child", Spec: []byte("{}")}}
	}
	if err := task.SaveLast(last, born); err != nil {
		return steps.Result{}, err
	}
	listed, err := task.InList([]steps.Reject{{Outcome: steps.OutcomeRejected, Namespace: "d.c", ID: unit.ID}, {Outcome: steps.OutcomeRejected, Namespace: "d.c", ID: "other"}, {Outcome: steps.OutcomeRejected, Namespace: "d.x", ID: unit.ID}})
	if err == nil && (!listed[0] || listed[1] || listed[2]) {
		err = errors.New("the list is not what was saved")
	}
	return steps.Result{Counts: counts}, err
}

func (s *staging) Finish(_ context.Context, _ steps.Env, results []steps.Result) (steps.Result, error) {
	var total steps.Result
	for _, r := range results {
		total.Counts = total.Counts.Plus(r.Counts)
	}
	return total, nil
}

// Units that others leave behind are done once, though two leave the same; what follows is divided when all are done,
// and where that fails the next run does nothing again.
func TestUnitsThatFollowOthers(t *testing.T) {
	s := &staging{fails: 1, done: map[string]int{}}
	o, _ := countingOptions(t, &counting{}, 1)
	o.Plan.Steps[0].Tuning.MaxRejects = 10
	o.newStep = func(string) (steps.Step, error) { return s, nil }
	if report, err := Run(context.Background(), o); err != nil || report.Status != StatusFailed {
		t.Fatalf("%v, %+v", err, report)
	}
	report, err := Run(context.Background(), o)
	if err != nil || report.Status != StatusDifferences {
		t.Fatalf("%v, %+v", err, report)
	}
	for _, id := range []string{"a", "b", "child", "z"} {
		if s.done[id] != 1 {
			t.Errorf("unit %s was done %d times", id, s.done[id])
		}
	}
	step := report.Steps[0]
	if step.Counts.Read != 4 || step.UnitsDone != 4 || step.UnitsTotal != 4 {
		t.Errorf("%+v", step)
	}
}
