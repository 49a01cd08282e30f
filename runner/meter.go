package runner

import (
	"encoding/json"
	"math"
	"sync"
	"time"

	"vida/state"
	"vida/steps"
)

const (
	meterInterval = 100 * time.Millisecond
	rateWindow    = 3 * time.Second // over which a rate is smoothed
	saveInterval  = 2 * time.Second // at which the time spent is stored, and the request units
)

// meter counts what a step does and tells the listener ten times a second.
type meter struct {
	execution *execution

	mu       sync.Mutex
	counts   steps.Counts
	expected int64
	total    int64
	done     int64

	quit    chan struct{}
	stopped chan struct{}
}

func newMeter(e *execution, units []state.Unit, workers int) *meter {
	m := &meter{execution: e, total: int64(len(units)), quit: make(chan struct{}), stopped: make(chan struct{})}
	for _, u := range units {
		var counts steps.Counts
		if len(u.Counts) > 0 {
			_ = json.Unmarshal(u.Counts, &counts) // shown only; what is stored is checked when it is summed up
		}
		m.counts = m.counts.Plus(counts)
		if u.Done {
			m.done++
			m.expected += counts.Read
		} else {
			m.expected += u.Expected
		}
	}
	resumed := m.counts.Read
	e.run.update(e.index, func(s *StepReport) {
		s.Workers = workers
		if !e.staged { // else this run has done it
			s.Resumed = resumed
		}
	})
	return m
}

func (m *meter) add(delta steps.Counts) {
	m.mu.Lock()
	m.counts = m.counts.Plus(delta)
	m.mu.Unlock()
}

// documents is how many have been read so far, by earlier runs too.
func (m *meter) documents() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts.Read
}

// moved is how many bytes have been moved so far.
func (m *meter) moved() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts.Bytes
}

func (m *meter) setWorkers(workers int) {
	m.execution.run.update(m.execution.index, func(s *StepReport) { s.Workers = workers })
}

func (m *meter) born() {
	m.mu.Lock()
	m.total++
	m.mu.Unlock()
}

func (m *meter) finished(string, steps.Counts) {
	m.mu.Lock()
	m.done++
	m.mu.Unlock()
}

func (m *meter) unitsLeft() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total - m.done
}

func (m *meter) start() { go m.watch() }

func (m *meter) stop() {
	close(m.quit)
	<-m.stopped
}

func (m *meter) watch() {
	defer close(m.stopped)
	ticker := time.NewTicker(meterInterval)
	defer ticker.Stop()
	last, lastCounts, lastSave := time.Now(), m.read().counts, time.Now()
	var rates struct{ documents, bytes, units, throttled float64 }
	for {
		select {
		case <-m.quit:
			return
		case now := <-ticker.C:
			reading := m.read()
			elapsed := now.Sub(last).Seconds()
			weight := 1 - math.Exp(-elapsed/rateWindow.Seconds())
			smooth := func(rate *float64, is, was float64) { *rate += weight * ((is-was)/elapsed - *rate) }
			smooth(&rates.documents, float64(reading.counts.Read), float64(lastCounts.Read))
			smooth(&rates.bytes, float64(reading.counts.Bytes), float64(lastCounts.Bytes))
			smooth(&rates.units, reading.counts.RequestUnits, lastCounts.RequestUnits)
			smooth(&rates.throttled, float64(reading.counts.Throttled), float64(lastCounts.Throttled))
			last, lastCounts = now, reading.counts
			e := m.execution
			seconds := e.before + now.Sub(e.begun).Seconds()
			budget := e.env.perSecond()
			e.run.update(e.index, func(s *StepReport) {
				s.Counts, s.Expected, s.UnitsTotal, s.UnitsDone, s.Seconds = reading.counts, reading.expected, reading.total, reading.done, seconds
				s.DocumentsPerSec, s.BytesPerSec, s.RequestUnitsPerSec, s.ThrottledPerSec = rates.documents, rates.bytes, rates.units, rates.throttled
				s.ProvisionedPerSec = budget
			})
			e.run.emitStep(EventProgress, e.index)
			if now.Sub(lastSave) >= saveInterval {
				lastSave = now
				m.saveTime(seconds)
			}
		}
	}
}

// saveTime stores the time spent and the request units, so that a kill does not take them from the totals. A state that cannot be written
// ends the step at its next checkpoint, which says so.
func (m *meter) saveTime(seconds float64) {
	record := m.execution.record
	record.Seconds = seconds
	if usage, err := json.Marshal(m.execution.used()); err == nil {
		record.Usage = usage
	}
	_ = m.execution.run.store.SaveStep(record)
}

type reading struct {
	counts                steps.Counts
	expected, total, done int64
}

func (m *meter) read() reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return reading{counts: m.counts.Plus(m.execution.used()), expected: max(m.expected, m.counts.Read), total: m.total, done: m.done}
}
