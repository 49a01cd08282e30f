package runner

import (
	"errors"
	"fmt"
	"sync"

	"vida/plans"
	"vida/state"
	"vida/steps"
)

// listing bounds what a step lists of single documents. Differences and conflicts beyond the bounds are counted and
// not listed. Rejected documents are all listed, for they can be tried again: a step with too many of them gives up.
type listing struct {
	mu          sync.Mutex
	differences int64 // that the list has room for
	conflicts   int64
	rejected    int64 // that are listed
	maxRejects  int64
}

// bounds are how much a step lists.
type bounds struct{ differences, conflicts, rejects int64 }

func newListing(store *state.Store, step string, most bounds) (*listing, error) {
	l := &listing{maxRejects: most.rejects}
	for _, group := range []struct {
		outcomes []string
		count    *int64
	}{{Differences(), &l.differences}, {steps.DecidedConflicts(), &l.conflicts}, {Rejections(), &l.rejected}} {
		var err error
		if *group.count, err = store.CountRejects(step, group.outcomes); err != nil {
			return nil, err
		}
	}
	l.differences, l.conflicts = max(0, most.differences-l.differences), max(0, most.conflicts-l.conflicts)
	return l, nil
}

// roomy tells whether another difference would be stored.
func (l *listing) roomy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.differences > 0
}

// admit returns what of some rejects is to be stored. An error says that it is to be the last: store it all the same,
// and give up.
func (l *listing) admit(rejects []steps.Reject) ([]steps.Reject, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	admitted := rejects[:0:0]
	var failure error
	for _, r := range rejects {
		room := (*int64)(nil)
		switch r.Outcome {
		case steps.OutcomeMissing, steps.OutcomeDiffering, steps.OutcomeUnexpected, steps.OutcomeRepaired:
			room = &l.differences
		case steps.OutcomeSkipped, steps.OutcomeReplaced:
			room = &l.conflicts
		case steps.OutcomeRejected:
			if l.rejected++; l.rejected > l.maxRejects {
				failure = &tooManyRejects{l.maxRejects}
			}
		}
		if room != nil {
			if *room == 0 {
				continue
			}
			*room--
		}
		admitted = append(admitted, r)
	}
	return admitted, failure
}

// tooManyRejects ends a step of which more is wrong than single documents.
type tooManyRejects struct{ most int64 }

func (e *tooManyRejects) Error() string {
	return fmt.Sprintf("more than %d documents were rejected (tuning.max_rejects): the step gives up, for the cause is hardly in the documents. "+
		"Mend it, bring those rejected with --retry-rejects, and run the plan again; or raise max_rejects, and run it again", e.most)
}

// Unlisted is how many documents were counted of a kind beyond those that are listed.
type Unlisted struct {
	Conflicts   int64
	Differences int64
}

// CountUnlisted adds up what the steps of a plan have counted and not listed.
func CountUnlisted(o Options) (unlisted Unlisted, err error) {
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return unlisted, nil
	}
	if err != nil {
		return unlisted, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for _, step := range o.Plan.Steps {
		units, err := store.Units(step.Name)
		if err != nil {
			return unlisted, err
		}
		counts, _, _, err := sumUnits(units)
		if err != nil {
			return unlisted, err
		}
		beyond := func(counted int64, outcomes []string) int64 {
			listed, countErr := store.CountRejects(step.Name, outcomes)
			err = errors.Join(err, countErr)
			return max(0, counted-listed)
		}
		switch step.Type {
		case plans.TypeVerifyContent:
			unlisted.Differences += beyond(counts.Missing+counts.Differing+counts.Unexpected, Differences())
		case plans.TypeCopy, plans.TypeRestore:
			unlisted.Conflicts += beyond(counts.Conflicts(), steps.DecidedConflicts())
			unlisted.Differences += beyond(counts.Unexpected, Differences())
		}
		if err != nil {
			return unlisted, err
		}
	}
	return unlisted, nil
}
