package runner

import (
	"testing"

	"vida/plans"
	"vida/state"
)

// Status looks at the books of every unit, and says where they do not balance: each on its own, for two mistakes may
// make up for one another.
func TestStatusTellsBooksThatDoNotBalance(t *testing.T) {
	dir := t.TempDir()
	store, err := state.Open(dir, "books")
	if err != nil {
		t.Fatal(err)
	}
	books := []string{`{}`, `{"read":10,"inserted":7,"identical":1,"rejected":1,"filtered":1}`, `{"read":10,"inserted":9}`, `{"read":10,"inserted":11}`, `{"read":5}`}
	for _, step := range []string{"copy", "verify-counts"} {
		if err := store.SaveStep(state.Step{Name: step, Type: step, Identity: []byte("{}"), Status: StatusInterrupted}); err != nil {
			t.Fatal(err)
		}
		units := make([]state.Unit, len(books))
		for n := range units {
			units[n] = state.Unit{ID: string(rune('a' + n)), Spec: []byte("{}")}
		}
		if err := store.Divide(step, units); err != nil {
			t.Fatal(err)
		}
		for n, text := range books {
			if _, err := store.SaveCheckpoint(step, units[n].ID, state.Checkpoint{Counts: []byte(text)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	plan := &plans.Plan{Name: "books", Steps: []*plans.Step{{Name: "copy", Type: plans.TypeCopy}, {Name: "verify-counts", Type: plans.TypeVerifyCounts}}}
	report, err := Status(Options{Plan: plan, StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Steps[0].Unbalanced; got != 3 {
		t.Errorf("the books of %d units of the copy do not balance, want 3", got)
	}
	if got := report.Steps[1].Unbalanced; got != 0 {
		t.Errorf("the books of %d units of a verification do not balance, and it has none", got)
	}
}
