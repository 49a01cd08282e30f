package runner

import (
	"errors"

	"vida/state"
	"vida/steps"
)

// Reject is a document that did not arrive, or of which an operator has to know another thing, and the step that
// met it.
type Reject struct {
	steps.Reject
	Step string `json:"step"`
}

// OutcomeRejected is the outcome of a document that did not arrive.
const OutcomeRejected = steps.OutcomeRejected

// Rejections, Conflicts and Differences are the outcomes that are listed together.
func Rejections() []string  { return steps.Rejections() }
func Conflicts() []string   { return steps.Conflicts() }
func Differences() []string { return steps.Differences() }

// Rejects that are read at a time; there may be millions.
const rejectsPage = 1000

// Rejects calls visit for what was rejected and not mended since, and for what else is listed, in the order it was
// met. outcomes narrows it, to [Rejections] for one.
func Rejects(o Options, outcomes []string, visit func(Reject) error) error {
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	err = eachReject(store, state.RejectQuery{Outcomes: outcomes}, func(r state.Reject) error {
		return visit(Reject{Step: r.Step, Reject: fromStored(r)})
	})
	return errors.Join(err, store.Close())
}

// eachReject calls visit for the rejects that a query chooses, page by page.
func eachReject(store *state.Store, query state.RejectQuery, visit func(state.Reject) error) error {
	query.Limit = rejectsPage
	for {
		page, err := store.Rejects(query)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			query.After = r.Row
			if err := visit(r); err != nil {
				return err
			}
		}
	}
}

func fromStored(r state.Reject) steps.Reject {
	return steps.Reject{Outcome: r.Outcome, Origin: r.Origin, Namespace: r.Namespace, ID: r.ID, Code: r.Code, Message: r.Message}
}

func toStored(r steps.Reject, step, unit string) state.Reject {
	return state.Reject{Step: step, Unit: unit, Outcome: r.Outcome, Origin: r.Origin, Namespace: r.Namespace, ID: r.ID, Code: r.Code, Message: r.Message}
}
