package runner

import (
	"context"
	"fmt"
	"time"
)

const (
	// Units at a time where a step with workers: auto begins.
	autoWorkers = 4
	// Never more than these.
	autoWorkersMost = 64
	// Connections that a unit has to its target; it has one to its source.
	connectionsPerUnit = 3
	// How often the number of units in flight and the control are looked at.
	steerInterval = 500 * time.Millisecond
)

// steer sets the number of units in flight while the step runs: by what the operator asks, or by measuring.
func (p *pool) steer(ctx context.Context) {
	ticker := time.NewTicker(steerInterval)
	defer ticker.Stop()
	var climbing *climber
	moved, idle := p.meter.moved(), p.idleSince()
	began := time.Now()
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-ticker.C:
		}
		changed, err := p.env.adjustments.look()
		switch {
		case err != nil:
			p.env.Log("warn", fmt.Sprintf("tuning is not changed: %v", err))
		case changed:
			p.env.Log("info", "tuning changed while running: "+p.env.adjustments.inEffect().String())
		}
		tuning := p.env.Tuning()
		rate := float64(p.meter.moved()-moved) / now.Sub(began).Seconds()
		dry := p.idleSince()
		whole := dry == idle // no worker was without a unit: the rate is that of all of them
		moved, began, idle = p.meter.moved(), now, dry
		if tuning.Workers > 0 {
			climbing = nil
			p.resize(ctx, tuning.Workers)
			continue
		}
		if climbing == nil {
			most := min(autoWorkersMost, max(1, tuning.PoolSize/connectionsPerUnit))
			climbing = newClimber(min(p.size(), most), most)
			p.resize(ctx, climbing.now)
			continue
		}
		if !whole {
			continue // nothing to learn: there are too few units for more
		}
		if workers := climbing.observe(rate); workers != p.size() {
			p.env.Log("debug", fmt.Sprintf("%d units in flight after %d, which moved %.1f MB/s", workers, p.size(), rate/1e6))
			p.resize(ctx, workers)
		}
	}
}

// size is how many units may be in flight.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// idleSince changes when a worker was without a unit, and while it is.
func (p *pool) idleSince() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idling.account(p.meter.documents())
	return p.idling.lost
}
