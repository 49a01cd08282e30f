package endpoint

import (
	"math"
	"time"
)

// governor decides when a command that costs request units may start. It is a token bucket that may go into debt,
// as an account's own is, and whose rate follows CUBIC (RFC 9438): what was throttled lowers the rate by a share;
// from there it comes back quickly to just below where it met resistance, stays there for a while, and then
// probes further ever faster. What is different from CUBIC on a network: the account may tell its throughput, and
// then the rate never goes above it.
//
// It reads no clock and waits for nothing: see [Governor]. Not safe for concurrent use.
type governor struct {
	budget float64 // request units a second to stay within; 0: unknown
	rate   float64 // what is let through now
	tokens float64
	at     time.Time // when tokens and rate were true
	hold   time.Time // nothing starts before

	probing bool          // unknown budget: doubling until something is throttled for the first time
	met     float64       // the rate at which something was throttled last; 0: not yet
	lowered time.Time     // when the rate was lowered last
	busy    time.Duration // since then, time in which the rate was used: idleness proves nothing
	idle    bool          // whether the bucket was full at the last look
}

const (
	headroom      = 0.97  // of the budget: clocks differ, and so do an account's partitions
	burst         = 0.5   // seconds of the rate that may be saved up
	lowering      = 0.85  // of the rate, where something was throttled
	climbing      = 0.006 // of the scale, per cubic second
	settling      = 0.95  // of the rate that was throttled, is where it stays for a while
	steepest      = 0.12  // of the scale, per second: the account's savings hide that it is too much
	breath        = 0.2   // seconds of silence beyond what is asked for, in which the account saves up a little
	probeStart    = 400.0 // RU/s, the least that can be provisioned
	probeDoubling = time.Second
	leastShare    = 0.01 // of the scale, below which the rate is never lowered
	leastRate     = 4.0  // RU/s
	mostHold      = 5 * time.Second
	commandsASec  = 16.0 // into so many commands a second a budget is cut at least, as far as batches can be cut
)

func newGovernor(now time.Time, budget float64) *governor {
	g := &governor{at: now, budget: budget, probing: budget == 0, rate: probeStart}
	if budget > 0 {
		g.rate = headroom * budget
	}
	g.tokens = g.rate / commandsASec
	return g
}

// advance brings tokens and rate up to now.
func (g *governor) advance(now time.Time) {
	passed := now.Sub(g.at)
	if passed <= 0 {
		return
	}
	g.at = now
	g.tokens += g.rate * passed.Seconds()
	most := g.rate * burst
	if g.idle = g.tokens >= most; g.idle {
		g.tokens = most
		return
	}
	g.busy += passed
	switch {
	case g.probing:
		g.rate *= math.Pow(2, passed.Seconds()/probeDoubling.Seconds())
	case g.met > 0:
		g.rate = min(g.cubic(), g.rate+steepest*g.scale()*passed.Seconds())
	}
	g.bound()
}

// cubic is the rate after a time of use since it was lowered.
func (g *governor) cubic() float64 {
	scale := g.scale()
	plateau := math.Cbrt(g.met * (1 - lowering) / (climbing * scale))
	beyond := g.busy.Seconds() - plateau
	return g.met + climbing*scale*beyond*beyond*beyond
}

// scale is what the steps of the rate are in proportion to.
func (g *governor) scale() float64 {
	if g.budget > 0 {
		return g.budget
	}
	return max(g.met, probeStart)
}

func (g *governor) bound() {
	g.rate = max(g.rate, leastShare*g.scale(), leastRate)
	if ceiling := headroom * g.budget; g.budget > 0 && g.rate >= ceiling {
		g.rate, g.met, g.busy = ceiling, 0, 0 // nothing is in the way any more
	}
}

// admit takes a command's expected cost, or tells how long to wait before asking again.
func (g *governor) admit(now time.Time, cost float64) time.Duration {
	g.advance(now)
	if wait := g.hold.Sub(now); wait > 0 {
		return wait
	}
	if g.tokens < 0 {
		return max(time.Duration(-g.tokens/g.rate*float64(time.Second)), time.Millisecond)
	}
	g.tokens -= cost
	return 0
}

// settle corrects what a command was expected to cost by what it did.
func (g *governor) settle(now time.Time, expected, cost float64) {
	g.advance(now)
	g.tokens = min(g.tokens+expected-cost, g.rate*burst)
}

// throttled is told, after it was settled, of a command that was admitted at some time and refused, and of how long the account asked to
// wait (0: it did not say). One moment of too much is met by several commands under way, but lowers the rate once.
func (g *governor) throttled(now, admitted time.Time, wait time.Duration) {
	g.advance(now)
	if until := now.Add(min(wait, mostHold)); until.After(g.hold) {
		g.hold = until
	}
	g.tokens = min(g.tokens, 0) // the account's are gone, whatever was given back here
	if admitted.Before(g.lowered) {
		return
	}
	switch {
	case g.probing:
		g.rate /= 2 // by doubling it went too far, while the account lived on what it had saved
		g.met, g.probing = g.rate, false
	case g.met > 0 && g.rate < g.met:
		g.met = g.rate * (1 + lowering) / 2 // there is less than last time: leave room at once
	default:
		g.met = g.rate * settling // the account's savings let it go too far
	}
	g.rate *= lowering
	g.tokens -= breath * g.rate
	g.lowered, g.busy = now, 0
	g.bound()
}

// setBudget follows a budget that has changed.
func (g *governor) setBudget(now time.Time, budget float64) {
	g.advance(now)
	if budget == g.budget || budget <= 0 && g.budget <= 0 {
		return
	}
	free := g.met == 0 && !g.probing // the old budget was all that held it back
	g.budget = budget
	switch {
	case budget <= 0: // no longer told: go on from here
		g.budget, g.met = 0, g.rate
	case free || g.probing:
		g.rate, g.probing = headroom*budget, false
	}
	g.bound()
	g.tokens = min(g.tokens, g.rate*burst)
}

// portion is what one command should cost at most, so that neither a debt is long nor others are starved.
func (g *governor) portion() float64 { return g.rate / commandsASec }
