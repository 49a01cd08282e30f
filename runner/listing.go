package runner

import (
	"errors"
	"sync"

	"vida/plans"
	"vida/state"
	"vida/steps"
)

// listing bounds the list of a step's differences.
type listing struct {
	mu   sync.Mutex
	left int64
}

func newListing(store *state.Store, step string, most int64) (*listing, error) {
	listed, err := store.CountRejects(step, Differences())
	return &listing{left: max(0, most-listed)}, err
}

// admit returns what of some rejects is to be stored.
func (l *listing) admit(rejects []steps.Reject) []steps.Reject {
	l.mu.Lock()
	defer l.mu.Unlock()
	admitted := rejects[:0:0]
	for _, r := range rejects {
		switch r.Outcome {
		case steps.OutcomeMissing, steps.OutcomeDiffering, steps.OutcomeUnexpected, steps.OutcomeRepaired:
			if l.left == 0 {
				continue
			}
			l.left--
		}
		admitted = append(admitted, r)
	}
	return admitted
}

// Unlisted is how many differences the verifications of a plan have counted beyond those that are listed.
func Unlisted(o Options) (unlisted int64, err error) {
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for _, step := range o.Plan.Steps {
		if step.Type != plans.TypeVerifyContent {
			continue
		}
		units, err := store.Units(step.Name)
		if err != nil {
			return 0, err
		}
		counts, _, _, err := sumUnits(units)
		if err != nil {
			return 0, err
		}
		listed, err := store.CountRejects(step.Name, Differences())
		if err != nil {
			return 0, err
		}
		unlisted += max(0, counts.Missing+counts.Differing+counts.Unexpected-listed)
	}
	return unlisted, nil
}
