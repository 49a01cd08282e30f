package runner

import (
	"fmt"
	"slices"
	"testing"

	"vida/state"
	"vida/steps"
)

// However many differences and conflicts there are, so many are listed, also by a run that goes on; what can be tried
// again always is, and the step gives up.
func TestTheListOfAStepIsBounded(t *testing.T) {
	store, err := state.Open(t.TempDir(), "bounded")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.SaveStep(state.Step{Name: "copy", Type: "copy", Identity: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	most := bounds{differences: 1000, conflicts: 700, rejects: 650}
	gaveUp := 0
	for run := range 2 {
		list, err := newListing(store, "copy", most)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 400 {
			var rejects []steps.Reject
			for _, outcome := range slices.Concat(steps.Differences(), steps.Conflicts(), steps.Rejections()) {
				rejects = append(rejects, steps.Reject{Outcome: outcome, ID: fmt.Sprint(run, n)})
			}
			admitted, failure := list.admit(rejects)
			if tooMany := run*400+n+1 > 650; (failure != nil) != tooMany {
				t.Fatalf("run %d, checkpoint %d: %v", run, n, failure)
			}
			if failure != nil {
				gaveUp++
			}
			var stored []state.Reject
			for _, r := range admitted {
				stored = append(stored, toStored(r, "copy", "1"))
			}
			if _, err := store.SaveCheckpoint("copy", "1", state.Checkpoint{Rejects: stored}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if gaveUp != 150 {
		t.Errorf("gave up %d times", gaveUp)
	}
	arrived := []string{steps.OutcomeInserted, steps.OutcomeIdentical}
	for _, c := range []struct {
		outcomes []string
		want     int64
	}{{steps.Differences(), 1000}, {steps.DecidedConflicts(), 700}, {steps.Rejections(), 800}, {arrived, 1600}} {
		if got, err := store.CountRejects("copy", c.outcomes); err != nil || got != c.want {
			t.Errorf("%v: %d are listed, want %d: %v", c.outcomes, got, c.want, err)
		}
	}
}
