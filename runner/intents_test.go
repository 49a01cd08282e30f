package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"vida/steps"
)

// replacing is a step of one unit, whose first attempt ends when it has said that it is about to replace three
// documents. The next gives one of them to a unit that is born from it, lists one that was meant otherwise, and never
// meets the third.
type replacing struct {
	counting
	attempts int
	told     map[string]map[string]bool // by unit: what it was told of the namespace d.c
}

func (r *replacing) Divide(context.Context, steps.Env) ([]steps.Unit, error) {
	return []steps.Unit{{ID: "a", Spec: []byte("{}"), Expected: 10}}, nil
}

func replacement(outcome, id string) steps.Reject {
	return steps.Reject{Outcome: outcome, Namespace: "d.c", ID: id}
}

func (r *replacing) Do(_ context.Context, _ steps.Env, unit steps.Unit, task steps.Task) (steps.Result, error) {
	if unit.ID == "a" {
		if r.attempts++; r.attempts == 1 {
			other := replacement(steps.OutcomeReplacing, "2")
			other.Namespace = "d.x"
			return steps.Result{}, errors.Join(
				task.Intend([]steps.Reject{replacement(steps.OutcomeReplacing, "1"), replacement(steps.OutcomeReplacing, "2")}),
				task.Intend([]steps.Reject{replacement(steps.OutcomeReplacing, "2"), replacement(steps.OutcomeReplacing, "3"), other}),
				errors.New("killed"))
		}
		if err := task.Split([]byte("{}"), steps.Unit{ID: "b", Spec: []byte("{}")}); err != nil {
			return steps.Result{}, err
		}
	}
	r.told[unit.ID] = task.Intended("d.c")
	settled := map[string]steps.Reject{"a": replacement(steps.OutcomeRejected, "1"), "b": replacement(steps.OutcomeReplaced, "2")}[unit.ID]
	counts := steps.Counts{Read: 1}
	if unit.ID == "a" {
		counts.Rejected = 1
	} else {
		counts.Replaced = 1
	}
	return steps.Result{Counts: counts}, task.Save(steps.Checkpoint{State: []byte("1"), Counts: counts, Rejects: []steps.Reject{settled}})
}

// After a kill, a document that was about to be replaced may be met by another unit than the one that meant to: it is
// told of it, and its checkpoint settles it. One that nobody meets stays listed.
func TestIntentsOutliveTheirUnit(t *testing.T) {
	r := &replacing{told: map[string]map[string]bool{}}
	o, _ := countingOptions(t, &counting{}, 1)
	o.Plan.Steps[0].Tuning.MaxRejects = 10
	o.newStep = func(string) (steps.Step, error) { return r, nil }
	if report, err := Run(context.Background(), o); err != nil || report.Status != StatusFailed {
		t.Fatalf("%v, %+v", err, report)
	}
	if report, err := Run(context.Background(), o); err != nil || report.Status != StatusDifferences {
		t.Fatalf("%v, %+v", err, report)
	}
	for unit, want := range map[string][]string{"a": {"1", "2", "3"}, "b": {"2", "3"}} {
		if told := slices.Sorted(maps.Keys(r.told[unit])); !slices.Equal(told, want) {
			t.Errorf("unit %s was told of %v, want %v", unit, told, want)
		}
	}
	var listed []string
	if err := Rejects(o, nil, func(r Reject) error {
		listed = append(listed, fmt.Sprintf("%s %s %s", r.Outcome, r.Namespace, r.ID))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(listed)
	want := []string{"rejected d.c 1", "replaced d.c 2", "replacing d.c 3", "replacing d.x 2"}
	if !slices.Equal(listed, want) {
		t.Errorf("%q, want %q", listed, want)
	}
}
