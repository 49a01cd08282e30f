package ui

import (
	"math"
	"time"

	"vida/plans"
	"vida/runner"
)

// documents is how many documents of the step are done with, those of earlier runs included.
func documents(s *runner.StepReport) int64 {
	// A step that generates writes without reading; one that compares reads without writing.
	return max(s.Counts.Read, s.Counts.Accounted())
}

// handlesDocuments tells whether the step type works through documents, rather than through a handful of
// connections or indexes.
func handlesDocuments(stepType string) bool {
	switch stepType {
	case plans.TypeGenerate, plans.TypeCopy, plans.TypeVerifyContent, plans.TypeDump, plans.TypeRestore:
		return true
	}
	return false
}

// fraction is how much of the step is done, 0 to 1, or negative when that cannot be told.
func fraction(s *runner.StepReport) float64 {
	switch {
	case s.Expected > 0:
		done := documents(s)
		if done > s.Expected {
			return -1 // the estimate was too low: better no bar than a wrong one
		}
		return float64(done) / float64(s.Expected)
	case s.UnitsTotal > 0 && !handlesDocuments(s.Type):
		return min(1, float64(s.UnitsDone)/float64(s.UnitsTotal))
	}
	return -1
}

// smoothing is the time over which the speed that an ETA rests on forgets: long enough to ride out throttling,
// short enough to follow a changed setting.
const smoothing = 30 * time.Second

// pace follows one running step: how fast it goes over the whole of this run, and how long it will take.
type pace struct {
	started  time.Time
	resumed  int64
	at       time.Time
	done     int64
	smoothed float64 // documents a second
}

// observe takes the step as it stands at a moment.
func (p *pace) observe(now time.Time, s *runner.StepReport) {
	done := documents(s)
	if p.started.IsZero() {
		p.started, p.at, p.done = now, now, done
		p.resumed = s.Resumed
		return
	}
	// A resumed step tells what earlier runs did with its first progress; until then nothing is known of it.
	if s.Resumed > p.resumed {
		p.done += s.Resumed - p.resumed
		p.resumed = s.Resumed
	}
	passed := now.Sub(p.at).Seconds()
	if passed < 0.05 {
		return
	}
	speed := max(0, float64(done-p.done)) / passed
	age := p.at.Sub(p.started).Seconds()
	// While young, the smoothed speed is the plain mean; later it forgets.
	weight := max(passed/(age+passed), 1-math.Exp(-passed/smoothing.Seconds()))
	p.smoothed += weight * (speed - p.smoothed)
	p.at, p.done = now, done
}

// mean is the documents a second over this run, not counting what earlier runs did.
func (p *pace) mean(now time.Time, s *runner.StepReport) float64 {
	elapsed := now.Sub(p.started).Seconds()
	if p.started.IsZero() || elapsed < 0.05 {
		return 0
	}
	return float64(max(0, documents(s)-p.resumed)) / elapsed
}

// eta is the seconds left, and whether that can be told yet.
func (p *pace) eta(now time.Time, s *runner.StepReport) (float64, bool) {
	left := s.Expected - documents(s)
	if s.Expected <= 0 || left < 0 || p.smoothed <= 0 || now.Sub(p.started) < 2*time.Second {
		return 0, false
	}
	seconds := float64(left)/p.smoothed - now.Sub(p.at).Seconds()
	if seconds > 1000*24*3600 {
		return 0, false
	}
	return max(0, seconds), true
}
