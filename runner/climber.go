package runner

import (
	"math"
)

// climber finds how many units in flight move most bytes a second, by hill climbing: it measures a number, tries
// one further up or down, and stays with whichever is better. It is told the rate of one interval after the other
// and knows no clock.
//
// What keeps it steady is hysteresis: a trial has to be better by more than a few percent, and by more than the
// noise of what was measured; on a plateau fewer units are preferred; and after trials in both directions have
// failed it rests, longer each time, until the rate changes by itself.
type climber struct {
	least, most int

	now       int     // units in flight
	up        bool    // where to try next
	fine      bool    // in small steps: large ones were no better
	incumbent sample  // what the best number so far moves
	best      int     // that number
	trial     sample  // of now, where now is not best
	settling  int     // intervals to pass over: the last change is not yet to be seen in full
	failed    int     // trials in a row that were no better
	resting   int     // intervals until the next trial
	surprises int     // intervals in a row while resting that were unlike the incumbent
	rest      float64 // how long to rest next
}

const (
	climbSettles  = 1    // intervals after a change
	climbLeast    = 3    // intervals a number is measured for, at least
	climbMost     = 8    // and at most, where the difference is within the noise
	climbGain     = 0.03 // a trial upwards must be better by so much
	climbLoss     = 0.02 // and one downwards may be worse by so much
	climbHopeless = 0.6  // a trial with less of the rate needs no second look
	climbFactor   = 1.5  // from one number to the next
	climbFine     = 1.125
	climbRest     = 16 // intervals of the first rest
	climbRestMax  = 120
	climbChange   = 0.3 // a rate that differs by so much is another situation
	climbChanged  = 4   // when it does for so many intervals
)

func newClimber(start, most int) *climber {
	start = max(1, min(start, most))
	return &climber{least: 1, most: max(1, most), now: start, best: start, up: true, settling: climbSettles, rest: climbRest}
}

// sample is the mean of some rates, and their spread.
type sample struct {
	n         int
	sum, sum2 float64
}

func (s *sample) add(rate float64) {
	s.n++
	s.sum += rate
	s.sum2 += rate * rate
}

func (s *sample) mean() float64 { return s.sum / float64(max(1, s.n)) }

// noise is the standard error of the mean.
func (s *sample) noise() float64 {
	if s.n < 2 {
		return math.Inf(1)
	}
	n := float64(s.n)
	variance := max(0, s.sum2/n-s.mean()*s.mean()) * n / (n - 1)
	return math.Sqrt(variance / n)
}

// observe is told the rate of the interval that has passed and returns how many units should be in flight.
func (c *climber) observe(rate float64) int {
	switch {
	case c.settling > 0:
		c.settling--
	case c.now != c.best:
		c.trial.add(rate)
		c.judge()
	case c.resting > 0:
		c.watch(rate)
	default:
		if c.incumbent.add(rate); c.incumbent.n >= climbLeast {
			c.try()
		}
	}
	return c.now
}

// judge ends a trial once enough is known.
func (c *climber) judge() {
	was, is := c.incumbent.mean(), c.trial.mean()
	noise := math.Hypot(c.incumbent.noise(), c.trial.noise())
	gain := is - was
	better := gain > max(climbGain*was, noise)
	if c.now < c.best { // fewer are preferred where they are as good
		better = gain > -climbLoss*was && (gain > 0 || noise < 2*climbGain*was || c.trial.n >= climbMost)
	}
	worse := gain < -max(climbLoss*was, noise)
	switch {
	case c.trial.n < climbLeast && is > climbHopeless*was:
	case better:
		c.best, c.incumbent = c.now, c.trial
		c.failed = 0
		if gain > climbChange*was {
			c.rest = climbRest // far from where it should be
		}
		c.try()
	case worse || is < climbHopeless*was || c.trial.n >= climbMost:
		c.failed++
		c.up = !c.up
		c.now, c.settling = c.best, climbSettles
		c.incumbent = sample{} // measured anew: the world moves on
		c.refine()
	}
}

// refine goes on in small steps once large ones have failed in both directions, and rests once those have.
func (c *climber) refine() {
	if c.failed < 2 {
		return
	}
	c.failed = 0
	if c.fine = !c.fine; c.fine {
		return
	}
	c.resting = int(c.rest)
	c.rest = min(climbRestMax, 2*c.rest)
}

// try moves on to the next number in the direction, or the other where there is none.
func (c *climber) try() {
	next := c.next()
	if next == c.best {
		c.up = !c.up
		c.failed++
		c.refine()
		if next = c.next(); next == c.best || c.resting > 0 {
			return
		}
	}
	c.now, c.trial, c.settling = next, sample{}, climbSettles
}

func (c *climber) next() int {
	factor := climbFactor
	if c.fine {
		factor = climbFine
	}
	if c.up {
		return min(c.most, max(c.best+1, int(math.Round(float64(c.best)*factor))))
	}
	return max(c.least, min(c.best-1, int(math.Round(float64(c.best)/factor))))
}

// watch measures while resting, and ends the rest when the rate is another one.
func (c *climber) watch(rate float64) {
	c.resting--
	if mean := c.incumbent.mean(); c.incumbent.n >= climbLeast && math.Abs(rate-mean) > climbChange*mean {
		if c.surprises++; c.surprises >= climbChanged {
			c.resting, c.surprises, c.rest, c.fine, c.incumbent = 0, 0, climbRest, false, sample{}
		}
		return
	}
	c.surprises = 0
	c.incumbent.add(rate)
	if c.resting == 0 {
		c.incumbent = sample{} // the latest counts
	}
}
