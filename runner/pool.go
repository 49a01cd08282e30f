package runner

import (
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

// Units at a time where the plan says auto.
const autoWorkers = 4

// pool does the units of a step, several at a time, and lets a unit be shared when a worker has run dry.
type pool struct {
	execution *execution
	env       *environment
	meter     *meter
	workers   int

	halt     chan struct{} // closed when running units should end soon
	haltOnce sync.Once

	mu      sync.Mutex
	changed *sync.Cond
	waiting []*unitTask
	running map[*unitTask]bool
	idle    int
	failure error
}

func newPool(e *execution, env *environment, units []state.Unit) *pool {
	p := &pool{execution: e, env: env, workers: e.step.Tuning.Workers, halt: make(chan struct{}), running: map[*unitTask]bool{}}
	if p.workers <= 0 {
		p.workers = autoWorkers
	}
	p.changed = sync.NewCond(&p.mu)
	p.meter = newMeter(e, units, p.workers)
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
	watching := make(chan struct{})
	go func() { // turns the run's stop into the pool's
		defer close(watching)
		select {
		case <-p.execution.run.options.Stop:
			p.stop(steps.ErrStopped)
		case <-ctx.Done():
			p.stop(ctx.Err())
		}
	}()
	p.meter.start()
	var group sync.WaitGroup
	for range p.workers {
		group.Go(func() { p.work(ctx) })
	}
	group.Wait()
	cancel()
	<-watching
	p.meter.stop()
	if p.allDone() {
		return nil // whatever came when there was nothing left to do
	}
	return p.failure
}

func (p *pool) allDone() bool { return p.meter.unitsLeft() == 0 }

// stop makes the pool end soon. The first reason counts.
func (p *pool) stop(reason error) {
	p.mu.Lock()
	if p.failure == nil {
		p.failure = reason
	}
	p.mu.Unlock()
	p.haltOnce.Do(func() { close(p.halt) })
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
		p.mu.Unlock()
		p.changed.Broadcast()
		if err != nil {
			p.stop(err)
		}
	}
}

// take waits for a unit: one that waits, or one born from a running unit. nil means that there will be none.
func (p *pool) take() *unitTask {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if p.failure != nil {
			return nil
		}
		if len(p.waiting) > 0 {
			task := p.waiting[0]
			p.waiting = p.waiting[1:]
			p.running[task] = true
			return task
		}
		if len(p.running) == 0 {
			return nil
		}
		p.idle++
		p.changed.Wait()
		p.idle--
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
	switch {
	case errors.Is(err, steps.ErrStopped), errors.Is(err, endpoint.ErrStopping):
		return steps.ErrStopped
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("unit %s: %w", id, err)
	}
	if result.Counts.Inserted+result.Counts.Filtered > 0 && result.Counts.Accounted() != result.Counts.Read {
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

// wanted tells whether task is the one to be shared: a worker is idle, nothing waits, and of the running units
// that have not been asked since they last gave something away it has most left.
func (p *pool) wanted(task *unitTask) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == 0 || len(p.waiting) > 0 || p.failure != nil || task.asked {
		return false
	}
	for other := range p.running {
		if other != task && !other.asked && other.left() > task.left() {
			return false
		}
	}
	task.asked = true
	return true
}
