package runner

import (
	"fmt"
	"testing"

	"vida/state"
	"vida/steps"
)

// However many differences there are, so many are listed, also by a run that goes on; what can be tried again always
// is.
func TestTheListOfDifferencesIsBounded(t *testing.T) {
	store, err := state.Open(t.TempDir(), "bounded")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.SaveStep(state.Step{Name: "verify", Type: "verify-content", Identity: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	const most = 1000
	for run := range 2 {
		list, err := newListing(store, "verify", most)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 400 {
			rejects := make([]steps.Reject, 0, 6)
			for _, outcome := range append(steps.Differences(), steps.OutcomeRejected, steps.OutcomeIdentical) {
				rejects = append(rejects, steps.Reject{Outcome: outcome, ID: fmt.Sprint(run, n)})
			}
			var stored []state.Reject
			for _, r := range list.admit(rejects) {
				stored = append(stored, toStored(r, "verify", "1"))
			}
			if err := store.SaveCheckpoint("verify", "1", []byte("{}"), []byte("{}"), stored); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		outcomes []string
		want     int64
	}{{steps.Differences(), most}, {steps.Rejections(), 800}, {steps.Conflicts(), 800}} {
		if got, err := store.CountRejects("verify", c.outcomes); err != nil || got != c.want {
			t.Errorf("%v: %d are listed, want %d: %v", c.outcomes, got, c.want, err)
		}
	}
}
