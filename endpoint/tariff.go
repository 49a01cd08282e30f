package endpoint

import (
	"math"
	"math/rand/v2"
)

// tariff is what one kind of command costs, learnt from what the server said: a fixed part and a part in
// proportion to its weight, which is the charge that is documented for its bytes. Older observations fade. It also
// says after which commands the server should be asked: every one while little is known or the reckoning was off,
// else some. Not safe for concurrent use.
type tariff struct {
	n, x, y, xx, xy float64 // faded sums over the observations: weight x, charge y
	seen            int64
	off, of         float64 // faded sums: by how much reckoning was off, and of how much
	granted, wanted float64 // faded sums: what commands cost, and what they would have if nothing had been refused

	skip int // between two that are asked
	left int // to be skipped before the next
}

const (
	tariffMemory = 50.0 // observations until one has faded to a third
	tariffYoung  = 12   // observations before any is skipped
	mostSkipped  = 8
	wellReckoned = 0.01 // off by at most so much: ask less often
	illReckoned  = 0.025
)

// reckon is what a command of that weight probably costs.
func (t *tariff) reckon(weight float64) float64 {
	if t.seen == 0 {
		return weight
	}
	if t.x <= 0 {
		return t.y / t.n
	}
	meanX, meanY := t.x/t.n, t.y/t.n
	variance := t.xx/t.n - meanX*meanX
	if t.seen >= 3 && variance > 1e-4*meanX*meanX {
		slope := (t.xy/t.n - meanX*meanY) / variance
		if fixed := meanY - slope*meanX; slope > 0 && fixed >= 0 {
			return fixed + slope*weight
		}
	}
	return meanY / meanX * weight
}

// fixed is the part of a command's cost that does not depend on its size.
func (t *tariff) fixed() float64 { return t.reckon(0) }

// observe learns what a command of that weight cost.
func (t *tariff) observe(weight, charge float64) {
	fade := math.Exp(-1 / tariffMemory)
	if t.seen > 0 {
		t.off = t.off*fade + charge - t.reckon(weight)
		t.of = t.of*fade + charge
	}
	t.seen++
	t.n, t.x, t.y = t.n*fade+1, t.x*fade+weight, t.y*fade+charge
	t.xx, t.xy = t.xx*fade+weight*weight, t.xy*fade+weight*charge
	switch wrong := math.Abs(t.off); {
	case t.seen < tariffYoung || wrong > illReckoned*t.of:
		t.skip = 0
	case wrong <= wellReckoned*t.of:
		t.skip = min(max(1, 2*t.skip), mostSkipped)
	}
	// Not each nth: what repeats with every nth command must not hide between two.
	t.left = 0
	if t.skip > 0 {
		t.left = rand.N(2*t.skip + 1)
	}
}

// grant learns how much of what was asked for was done, the rest being refused.
func (t *tariff) grant(wanted, charge float64) {
	fade := math.Exp(-1 / tariffMemory)
	t.granted, t.wanted = t.granted*fade+min(charge, wanted), t.wanted*fade+wanted
}

// broken is what a command cost whose connection broke: nobody tells whether it was done before, so that it is half of
// what is usual.
func (t *tariff) broken(expected float64) float64 {
	if t.wanted > 0 {
		expected *= t.granted / t.wanted
	}
	return expected / 2
}

// due tells whether to ask what a command cost that is done.
func (t *tariff) due() bool {
	if t.left > 0 {
		t.left--
		return false
	}
	return true
}
