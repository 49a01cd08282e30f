package endpoint

import (
	"math"
	"math/rand/v2"
	"testing"
)

// reckoned runs commands whose true cost follows from their weight, asks as often as the tariff says, and returns
// the share of commands that were asked for and by how much the sum of all was off.
func reckoned(commands int, weight func(n int) float64, cost func(n int, weight float64) float64) (asked, off float64) {
	t := tariff{}
	told, sum, truth := 0, 0.0, 0.0
	for n := range commands {
		w := weight(n)
		c := cost(n, w)
		truth += c
		if t.due() {
			told++
			t.observe(w, c)
			sum += c
		} else {
			sum += t.reckon(w)
		}
	}
	return float64(told) / float64(commands), math.Abs(sum-truth) / truth
}

func TestATariffIsLearntAndSparesQuestions(t *testing.T) {
	// Which commands are asked for is left to chance: the sum is off by one percent, seldom by two.
	const commands = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	between := func(low, high float64) func(int) float64 {
		return func(int) float64 { return low + (high-low)*random.Float64() }
	}
	linear := func(_ int, w float64) float64 { return 25 + 2*w }
	for name, test := range map[string]struct {
		weight    func(int) float64
		cost      func(int, float64) float64
		mostAsked float64
	}{
		"pages of one size":                {func(int) float64 { return 400 }, linear, 0.2},
		"pages of every size":              {between(1, 4000), linear, 0.2},
		"noise":                            {between(100, 1000), func(_ int, w float64) float64 { return w * (0.8 + 0.4*random.Float64()) }, 1},
		"a fixed price":                    {func(int) float64 { return 0 }, func(int, float64) float64 { return 2.5 }, 0.2},
		"dearer half way":                  {between(100, 1000), func(n int, w float64) float64 { return w * float64(1+2*n/commands) }, 0.3},
		"a small page after seven large":   {func(n int) float64 { return map[bool]float64{true: 3, false: 900}[n%8 == 7] }, linear, 0.2},
		"every eighth costs twice as much": {func(int) float64 { return 100 }, func(n int, w float64) float64 { return w * map[bool]float64{true: 2, false: 1}[n%8 == 7] }, 1},
	} {
		asked, off := reckoned(commands, test.weight, test.cost)
		t.Logf("%s: %.0f %% asked, off by %.2f %%", name, 100*asked, 100*off)
		if off > 0.05 { // what a meter may be off by
			t.Errorf("%s: off by %.1f %%", name, 100*off)
		}
		if asked > test.mostAsked {
			t.Errorf("%s: %.0f %% were asked for", name, 100*asked)
		}
	}
}

func TestATariffOfFewCommandsIsExact(t *testing.T) {
	asked, off := reckoned(tariffYoung, func(n int) float64 { return float64(n) }, func(_ int, w float64) float64 { return 3 + w*w })
	if asked != 1 || off != 0 {
		t.Errorf("%.0f %% asked, off by %.1f %%", 100*asked, 100*off)
	}
}

func TestAnUnknownTariffIsTheDocumentedCharge(t *testing.T) {
	if got := (&tariff{}).reckon(55); got != 55 {
		t.Errorf("%g", got)
	}
}
