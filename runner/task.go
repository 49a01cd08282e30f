package runner

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"vida/state"
	"vida/steps"
)

// unitTask implements [steps.Task] for one unit.
type unitTask struct {
	pool *pool
	unit steps.Unit
	halt chan struct{} // closed when the unit should end soon
	stop func()        // closes it, once

	// Guarded by the pool's mutex.
	spec       json.RawMessage // as it is now: a split changes it
	checkpoint json.RawMessage // the last
	saved      steps.Counts    // at the last checkpoint
	told       int64           // how much is left as the step reckons; negative before it has
	asked      bool            // to share, and has not answered
	whole      bool            // cannot be shared
	parked     bool            // asked to make room, to go on later
}

func newUnitTask(p *pool, u state.Unit) *unitTask {
	unit := steps.Unit{ID: u.ID, Spec: u.Spec, Checkpoint: u.Checkpoint, Expected: u.Expected}
	if len(u.Counts) > 0 {
		// Checked when the meter summed them up.
		_ = json.Unmarshal(u.Counts, &unit.Counts)
	}
	return startTask(p, unit)
}

func startTask(p *pool, unit steps.Unit) *unitTask {
	halt := make(chan struct{})
	return &unitTask{
		pool: p, unit: unit, halt: halt, stop: sync.OnceFunc(func() { close(halt) }),
		spec: unit.Spec, checkpoint: unit.Checkpoint, saved: unit.Counts, told: -1,
	}
}

// again is the task that goes on with a parked unit. Call it with the pool's mutex held.
func (t *unitTask) again() *unitTask {
	next := startTask(t.pool, steps.Unit{
		ID: t.unit.ID, Spec: t.spec, Checkpoint: t.checkpoint, Counts: t.saved, Expected: t.unit.Expected,
	})
	next.told, next.whole = t.told, t.whole
	return next
}

// left is how many documents the unit probably has left. Call it with the pool's mutex held.
func (t *unitTask) left() int64 {
	switch {
	case t.told >= 0:
		return t.told
	case t.unit.Expected == 0:
		return math.MaxInt64 // unknown
	}
	return max(0, t.unit.Expected-t.saved.Read)
}

// askable tells whether the unit may be asked to share. Call it with the pool's mutex held.
func (t *unitTask) askable() bool { return !t.asked && !t.whole && !t.parked }

func (t *unitTask) Save(c steps.Checkpoint) error { return t.SaveLast(c, nil) }

func (t *unitTask) SaveLast(c steps.Checkpoint, born []steps.Unit) error {
	counts, err := json.Marshal(c.Counts)
	if err != nil {
		return err
	}
	p := t.pool
	name := p.execution.step.Name
	admitted, tooMany := p.execution.list.admit(c.Rejects)
	settled := p.execution.intents.among(c.Rejects)
	added, err := p.execution.run.store.SaveCheckpoint(name, t.unit.ID, state.Checkpoint{
		Checkpoint: c.State, Counts: counts, Rejects: t.toStored(admitted), Intent: steps.OutcomeReplacing, Settled: t.toStored(settled), Born: toStoredUnits(born),
	})
	if err != nil {
		return &stateError{err}
	}
	p.execution.intents.settle(settled)
	for range added {
		p.meter.born()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.checkpoint, t.saved = c.State, c.Counts
	for _, unit := range added {
		p.waiting = append(p.waiting, newUnitTask(p, unit))
		p.changed.Signal()
	}
	return tooMany
}

func (t *unitTask) Intend(list []steps.Reject) error {
	unknown := t.pool.execution.intents.add(list)
	if err := t.pool.execution.run.store.SaveIntents(t.pool.execution.step.Name, t.unit.ID, t.toStored(unknown)); err != nil {
		return &stateError{err}
	}
	return nil
}

func (t *unitTask) Intended(namespace string) map[string]bool {
	return t.pool.execution.intents.of(namespace)
}

func (t *unitTask) toStored(list []steps.Reject) []state.Reject {
	stored := make([]state.Reject, len(list))
	for n, r := range list {
		stored[n] = toStored(r, t.pool.execution.step.Name, t.unit.ID)
	}
	return stored
}

func (t *unitTask) Lists() bool { return t.pool.execution.list.roomy() }

func toStoredUnits(units []steps.Unit) []state.Unit {
	stored := make([]state.Unit, len(units))
	for n, u := range units {
		stored[n] = state.Unit{ID: u.ID, Spec: u.Spec, Expected: u.Expected}
	}
	return stored
}

func (t *unitTask) InList(rejects []steps.Reject) ([]bool, error) {
	type place struct{ outcome, namespace string }
	ids := map[place][]string{}
	for _, r := range rejects {
		at := place{r.Outcome, r.Namespace}
		ids[at] = append(ids[at], r.ID)
	}
	found := map[place]map[string]bool{}
	for at, some := range ids {
		listed, err := t.pool.execution.run.store.Listed(t.pool.execution.step.Name, at.outcome, at.namespace, some)
		if err != nil {
			return nil, &stateError{err}
		}
		found[at] = listed
	}
	known := make([]bool, len(rejects))
	for n, r := range rejects {
		known[n] = found[place{r.Outcome, r.Namespace}][r.ID]
	}
	return known, nil
}

func (t *unitTask) Report(delta steps.Counts) { t.pool.meter.add(delta) }

func (t *unitTask) Expect(left int64) {
	t.pool.mu.Lock()
	t.told = left
	t.pool.mu.Unlock()
}

func (t *unitTask) SplitWanted() bool { return t.pool.share(t) }

func (t *unitTask) Indivisible() {
	t.pool.mu.Lock()
	t.asked, t.whole = false, true
	t.pool.mu.Unlock()
}

func (t *unitTask) Split(shrunk json.RawMessage, born steps.Unit) error {
	p := t.pool
	p.mu.Lock()
	if left := t.left(); left > 0 && left < math.MaxInt64 {
		born.Expected = left / 2
	}
	keeps := max(t.unit.Expected-born.Expected, t.saved.Read)
	p.mu.Unlock()
	child := toStoredUnits([]steps.Unit{born})[0]
	if err := p.execution.run.store.Split(p.execution.step.Name, t.unit.ID, shrunk, keeps, child); err != nil {
		return fmt.Errorf("split unit %s: %w", t.unit.ID, &stateError{err})
	}
	p.meter.born()
	p.mu.Lock()
	defer p.mu.Unlock()
	t.unit.Expected, t.spec, t.asked = keeps, shrunk, false
	if t.told >= 0 {
		t.told -= t.told / 2
	}
	p.waiting = append(p.waiting, newUnitTask(p, child))
	p.idling.shared++
	p.changed.Signal()
	return nil
}

func (t *unitTask) Stopping() <-chan struct{} { return t.halt }
