package runner

import (
	"math"
	"math/rand/v2"
	"testing"
)

// climb lets a climber work on a curve for so many intervals and returns the mean of the true rates it worked at.
func climb(c *climber, intervals int, noise float64, seed uint64, curve func(interval, workers int) float64) (mean float64) {
	random := rand.New(rand.NewPCG(seed, seed))
	workers := c.now
	for n := range intervals {
		rate := curve(n, workers)
		mean += rate / float64(intervals)
		workers = c.observe(rate * (1 + noise*random.NormFloat64()))
	}
	return mean
}

// Throughput by the number of units in flight, as servers show it.
var curves = map[string]func(workers int) float64{
	"saturates at 6":         func(w int) float64 { return min(float64(w), 6) },
	"peaks at 3, falls":      func(w int) float64 { return float64(w) / (1 + math.Pow(float64(w)/3, 2)) },
	"peaks at 24":            func(w int) float64 { return float64(w) / (1 + math.Pow(float64(w)/24, 2)) },
	"grows to the end":       func(w int) float64 { return float64(w) },
	"the same for any":       func(int) float64 { return 100 },
	"one is best":            func(w int) float64 { return 10 / (1 + 0.2*float64(w)) },
	"slow growth":            func(w int) float64 { return 1 - math.Exp(-float64(w)/8) },
	"falls off a cliff at 9": func(w int) float64 { return map[bool]float64{true: float64(w), false: 2}[w < 9] },
}

const climbTestMost = 48

func TestClimberComesWithinATenthOfTheBestNumber(t *testing.T) {
	for name, curve := range curves {
		best := 0.0
		for w := 1; w <= climbTestMost; w++ {
			best = max(best, curve(w))
		}
		for _, noise := range []float64{0, 0.05, 0.15} {
			for seed := range uint64(20) {
				c := newClimber(autoWorkers, climbTestMost)
				constant := func(_, workers int) float64 { return curve(workers) }
				climb(c, 100, noise, seed, constant)
				mean := climb(c, 400, noise, seed+100, constant)
				least := 0.9
				if noise > 0.1 {
					least = 0.85 // where one measurement in three is off by more than that
				}
				if mean < least*best {
					t.Errorf("%s, noise %.0f %%, seed %d: %.3f of the best, at %d units", name, 100*noise, seed, mean/best, c.best)
				}
			}
		}
	}
}

// On a plateau there is nothing to gain from more: they cost memory and connections.
func TestClimberPrefersFewerOnAPlateau(t *testing.T) {
	c := newClimber(32, climbTestMost)
	climb(c, 200, 0.03, 1, func(_, workers int) float64 { return min(float64(workers), 6) })
	if c.best > 12 {
		t.Errorf("%d units where 6 are as good", c.best)
	}
}

// What was best is not for ever: a server is made larger, or gets other work.
func TestClimberFollowsAChange(t *testing.T) {
	for seed := range uint64(20) {
		c := newClimber(autoWorkers, climbTestMost)
		before := func(_, workers int) float64 { return min(float64(workers), 24) }
		after := func(_, workers int) float64 { return min(float64(workers), 4) / (1 + max(0, float64(workers)-4)/8) }
		climb(c, 200, 0.05, seed, before)
		climb(c, 100, 0.05, seed, after)
		if mean := climb(c, 200, 0.05, seed, after); mean < 0.9*4 {
			t.Errorf("seed %d: %.2f of 4 after the server became slower, at %d units", seed, mean, c.best)
		}
		climb(c, 150, 0.05, seed, before)
		if mean := climb(c, 200, 0.05, seed, before); mean < 0.9*24 {
			t.Errorf("seed %d: %.2f of 24 after the server became faster, at %d units", seed, mean, c.best)
		}
	}
}

func TestClimberStaysWithinItsBounds(t *testing.T) {
	for seed := range uint64(50) {
		c := newClimber(autoWorkers, 7)
		random := rand.New(rand.NewPCG(seed, 1))
		for range 1000 {
			if n := c.observe(random.Float64()); n < 1 || n > 7 {
				t.Fatalf("%d units", n)
			}
		}
	}
	if c := newClimber(4, 0); c.observe(1) != 1 {
		t.Error("at least one unit")
	}
}

// It settles: a number that is right is not left all the time.
func TestClimberRests(t *testing.T) {
	c := newClimber(autoWorkers, climbTestMost)
	curve := func(_, workers int) float64 { return curves["peaks at 24"](workers) }
	climb(c, 200, 0.02, 3, curve)
	changes, last := 0, c.now
	climb(c, 400, 0.02, 4, func(_, workers int) float64 {
		if workers != last {
			changes++
			last = workers
		}
		return curve(0, workers)
	})
	if changes > 40 {
		t.Errorf("%d changes in 400 intervals", changes)
	}
}
