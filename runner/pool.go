package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"vida/endpoint"
	"vida/state"
	"vida/steps"
)

// pool does the units of a step, several at a time. A unit that has much left is shared before workers run dry.
type pool struct {
	execution *execution
	env       *environment
	meter     *meter

	group sync.WaitGroup // workers

	mu      sync.Mutex
	changed *sync.Cond
	waiting []*unitTask
	running map[*unitTask]bool
	workers int // that live
	wanted  int // that should live
	idling  idling
	failure error
}

func newPool(e *execution, env *environment, units []state.Unit) *pool {
	p := &pool{execution: e, env: env, running: map[*unitTask]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.wanted = env.Tuning().Workers
	if p.wanted <= 0 {
		p.wanted = autoWorkers
	}
	p.meter = newMeter(e, units, p.wanted)
	for _, u := range units {
		if !u.Done {
			p.waiting = append(p.waiting, newUnitTask(p, u))
		}
	}
	// What was begun comes first, else in the order of the ids.
	slices.SortStableFunc(p.waiting, func(a, b *unitTask) int {
		switch begunA, begunB := len(a.unit.Checkpoint) > 0, len(b.unit.Checkpoint) > 0; {
		case begunA == begunB:
			return 0
		case begunA:
			return -1
		}
		return 1
	})
	return p
}

// run returns when every unit is done, or no more can be, with steps.ErrStopped where the run was stopped.
func (p *pool) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { // turns the run's stop into the pool's
		select {
		case <-p.execution.run.options.Stop:
			p.stop(steps.ErrStopped)
		case <-ctx.Done():
			p.stop(ctx.Err())
		}
	})
	p.meter.start()
	p.mu.Lock()
	p.hire(ctx)
	p.mu.Unlock()
	watching.Go(func() { p.steer(ctx) })
	p.group.Wait()
	cancel()
	watching.Wait()
	p.meter.stop()
	p.tellIdling()
	if p.allDone() {
		return nil // whatever came when there was nothing left to do
	}
	return p.failure
}

func (p *pool) allDone() bool { return p.meter.unitsLeft() == 0 }

// resize changes how many units are done at a time: more at once, fewer as soon as batches in flight have landed.
func (p *pool) resize(ctx context.Context, workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted == workers {
		return
	}
	p.wanted = workers
	p.meter.setWorkers(workers)
	if p.workers == 0 || p.failure != nil {
		return // it is over
	}
	p.hire(ctx)
	p.park(len(p.running) - workers)
	p.changed.Broadcast()
}

// hire starts the workers that are missing. Call it with the mutex held.
func (p *pool) hire(ctx context.Context) {
	for ; p.workers < p.wanted; p.workers++ {
		p.group.Go(func() { p.work(ctx) })
	}
}

// park asks so many running units to save and make room, those with most left. Call it with the mutex held.
func (p *pool) park(excess int) {
	var candidates []*unitTask
	for task := range p.running {
		if task.parked {
			excess--
		} else {
			candidates = append(candidates, task)
		}
	}
	slices.SortFunc(candidates, func(a, b *unitTask) int { return cmp.Compare(b.left(), a.left()) })
	for n := 0; n < min(excess, len(candidates)); n++ {
		candidates[n].parked = true
		candidates[n].stop()
	}
}

// stop makes the pool end soon. The first reason counts.
func (p *pool) stop(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = reason
	}
	for task := range p.running {
		task.stop()
	}
	p.changed.Broadcast()
}

func (p *pool) work(ctx context.Context) {
	for {
		task := p.take()
		if task == nil {
			return
		}
		err := p.do(ctx, task)
		p.mu.Lock()
		delete(p.running, task)
		if errors.Is(err, steps.ErrStopped) && task.parked && p.failure == nil {
			p.waiting = append([]*unitTask{task.again()}, p.waiting...)
			err = nil
		}
		p.changed.Broadcast()
		p.mu.Unlock()
		if err != nil {
			p.stop(err)
		}
	}
}

// take waits for a unit: one that waits, or one born from a running unit. nil means that the worker is to end.
func (p *pool) take() *unitTask {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		nothing := len(p.waiting) == 0 && len(p.running) == 0
		if p.failure != nil || nothing || p.workers > p.wanted {
			p.workers--
			return nil
		}
		if len(p.waiting) > 0 {
			task := p.waiting[0]
			p.waiting = p.waiting[1:]
			p.running[task] = true
			p.idling.took(p.meter.documents())
			return task
		}
		p.idling.begin(p.meter.documents())
		p.changed.Wait()
		p.idling.end(p.meter.documents())
	}
}

// do does one unit and records it.
func (p *pool) do(ctx context.Context, task *unitTask) (err error) {
	id := task.unit.ID
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("unit %s: internal error: %v\n%s", id, v, debug.Stack())
		}
	}()
	result, err := p.execution.do.Do(ctx, p.env, task.unit, task)
	var tooMany *tooManyRejects
	switch {
	case errors.Is(err, steps.ErrStopped), errors.Is(err, endpoint.ErrStopping):
		return steps.ErrStopped
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &tooMany):
		return tooMany // which is not about this unit
	case err != nil:
		return fmt.Errorf("unit %s: %w", id, err)
	}
	if steps.KeepsBooks(p.execution.step.Type) && !result.Counts.Balanced() {
		return fmt.Errorf("unit %s: internal error: the books do not balance: read %d, accounted for %d", id, result.Counts.Read, result.Counts.Accounted())
	}
	counts, err := json.Marshal(result.Counts)
	if err != nil {
		return err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if err := p.execution.run.store.FinishUnit(p.execution.step.Name, id, counts, text); err != nil {
		return &stateError{err}
	}
	p.meter.finished(id, result.Counts)
	return nil
}

// share tells whether task is the one to be shared: soon there will be fewer units than workers, and of the
// running units that may be asked it has most left. A unit is shared before a worker runs dry, so that none has to
// wait for it, but not when what is left is hardly worth a unit.
func (p *pool) share(task *unitTask) bool {
	least := int64(leastSharedBatches * p.env.Tuning().BatchDocuments)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil || !task.askable() || task.left() < least {
		return false
	}
	coming := len(p.waiting)
	for other := range p.running {
		if other.asked {
			coming++
		}
		if other != task && other.askable() && other.left() > task.left() {
			return false
		}
	}
	if coming >= p.idling.workers+max(1, p.wanted/sparesPart) {
		return false
	}
	task.asked = true
	return true
}

const (
	leastSharedBatches = 2 // a unit with fewer batches left is done sooner than shared
	sparesPart         = 1 // one unit is kept waiting for so many workers
)
