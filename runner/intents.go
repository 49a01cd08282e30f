package runner

import (
	"sync"

	"vida/state"
	"vida/steps"
)

// intents are the documents that a step was or is about to replace, until a checkpoint lists what became of them. They
// are the step's and not a unit's: after a kill, the unit that meets a document again may be one that was born since.
type intents struct {
	mu   sync.Mutex
	open map[document]bool
}

// document names a document of the target.
type document struct{ namespace, id string }

func documentOf(r steps.Reject) document { return document{r.Namespace, r.ID} }

// loadIntents reads those that were open when an earlier run of the step ended.
func loadIntents(store *state.Store, step string) (*intents, error) {
	i := &intents{open: map[document]bool{}}
	err := eachReject(store, state.RejectQuery{Step: step, Outcomes: []string{steps.OutcomeReplacing}}, func(r state.Reject) error {
		i.open[document{r.Namespace, r.ID}] = true
		return nil
	})
	return i, err
}

// add opens those of a list that are not open, and returns them.
func (i *intents) add(list []steps.Reject) (added []steps.Reject) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range list {
		if at := documentOf(r); !i.open[at] {
			i.open[at] = true
			added = append(added, r)
		}
	}
	return added
}

// among returns those of a list that are open.
func (i *intents) among(list []steps.Reject) (open []steps.Reject) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range list {
		if i.open[documentOf(r)] {
			open = append(open, r)
		}
	}
	return open
}

func (i *intents) settle(list []steps.Reject) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range list {
		delete(i.open, documentOf(r))
	}
}

// of returns the _ids of a namespace's documents.
func (i *intents) of(namespace string) map[string]bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	ids := map[string]bool{}
	for at := range i.open {
		if at.namespace == namespace {
			ids[at.id] = true
		}
	}
	return ids
}
