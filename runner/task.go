package runner

import (
	"encoding/json"
	"fmt"

	"vida/state"
	"vida/steps"
)

// unitTask implements [steps.Task] for one unit.
type unitTask struct {
	pool *pool
	unit steps.Unit

	// Guarded by the pool's mutex.
	saved steps.Counts // at the last checkpoint
	asked bool         // whether it has been asked to share since it last did
}

func newUnitTask(p *pool, u state.Unit) *unitTask {
	t := &unitTask{pool: p, unit: steps.Unit{ID: u.ID, Spec: u.Spec, Checkpoint: u.Checkpoint, Expected: u.Expected}}
	if len(u.Counts) > 0 {
		// Checked when the meter summed them up.
		_ = json.Unmarshal(u.Counts, &t.unit.Counts)
	}
	t.saved = t.unit.Counts
	return t
}

// left is how many documents the unit probably has left.
func (t *unitTask) left() int64 { return t.unit.Expected - t.saved.Read }

func (t *unitTask) Save(c steps.Checkpoint) error {
	counts, err := json.Marshal(c.Counts)
	if err != nil {
		return err
	}
	name := t.pool.execution.step.Name
	rejects := make([]state.Reject, len(c.Rejects))
	for n, r := range c.Rejects {
		rejects[n] = state.Reject{Step: name, Unit: t.unit.ID, Namespace: r.Namespace, ID: r.ID, Code: r.Code, Message: r.Message}
	}
	if err := t.pool.execution.run.store.SaveCheckpoint(name, t.unit.ID, c.State, counts, rejects); err != nil {
		return &stateError{err}
	}
	t.pool.mu.Lock()
	t.saved = c.Counts
	t.pool.mu.Unlock()
	return nil
}

func (t *unitTask) Report(delta steps.Counts) { t.pool.meter.add(delta) }

func (t *unitTask) SplitWanted() bool { return t.pool.wanted(t) }

func (t *unitTask) Split(shrunk json.RawMessage, born steps.Unit) error {
	p := t.pool
	p.mu.Lock()
	if left := t.left(); left > 0 {
		born.Expected = left / 2
	}
	keeps := max(t.unit.Expected-born.Expected, t.saved.Read)
	p.mu.Unlock()
	child := state.Unit{ID: born.ID, Spec: born.Spec, Expected: born.Expected}
	if err := p.execution.run.store.Split(p.execution.step.Name, t.unit.ID, shrunk, keeps, child); err != nil {
		return fmt.Errorf("split unit %s: %w", t.unit.ID, &stateError{err})
	}
	p.mu.Lock()
	t.unit.Expected = keeps
	t.asked = false
	p.waiting = append(p.waiting, newUnitTask(p, child))
	p.mu.Unlock()
	p.meter.born()
	p.changed.Signal()
	return nil
}

func (t *unitTask) Stopping() <-chan struct{} { return t.pool.halt }
