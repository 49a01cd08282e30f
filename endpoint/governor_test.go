package endpoint

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// simulated is an account and those who work on it, in steps of a millisecond of a clock that nobody waits for.
type simulated struct {
	// The account: a bucket of at most a second's worth for each partition, which may go into debt.
	perSecond float64
	others    float64 // of the throughput, used by other traffic
	tokens    []float64
	hot       float64 // share of all work that goes to the first partition; 0: all have the same
	silent    bool    // does not say how long to wait

	// Those who work.
	writing bool // each operation of a command is charged alone; else a command is charged when it is done
	workers int
	latency time.Duration
	told    float64 // what commands cost beyond what is expected of them: 1.2 for 20 % more

	now      time.Time
	governor *governor
	random   *rand.Rand
	flying   []flight
	idle     int
	pausing  []time.Time // workers that wait before they try again, until
	wait     time.Time   // the head of the queue asks again
	history  []second
}

type flight struct {
	lands    time.Time
	admitted time.Time
	cost     float64
	expected float64
	refused  bool
	pause    time.Duration
}

type second struct {
	used      float64
	commands  int
	throttled int
	rate      float64
}

func (s *simulated) start(budget float64) {
	s.now = time.Unix(1_000_000, 0)
	s.random = rand.New(rand.NewPCG(7, 7))
	s.governor = newGovernor(s.now, budget)
	s.idle = s.workers
	if s.tokens == nil {
		s.tokens = make([]float64, 1)
	}
	for n := range s.tokens {
		s.tokens[n] = s.perSecond / float64(len(s.tokens))
	}
	if s.told == 0 {
		s.told = 1
	}
}

// run goes on for some seconds and calls each, where it is given, at the start of every one of them.
func (s *simulated) run(seconds int, each func(n int)) {
	for n := range seconds {
		if each != nil {
			each(n)
		}
		s.history = append(s.history, second{})
		for range 1000 {
			s.tick()
		}
		s.history[len(s.history)-1].rate = s.governor.rate
	}
}

func (s *simulated) tick() {
	s.now = s.now.Add(time.Millisecond)
	share := s.perSecond * (1 - s.others) / float64(len(s.tokens))
	for n := range s.tokens {
		s.tokens[n] = min(s.tokens[n]+share/1000, share)
	}
	last := &s.history[len(s.history)-1]
	kept := s.flying[:0]
	for _, f := range s.flying {
		if f.lands.After(s.now) {
			kept = append(kept, f)
			continue
		}
		last.used += f.cost
		s.governor.settle(s.now, f.expected, f.cost)
		if f.refused {
			last.throttled++
			s.governor.throttled(s.now, f.admitted, f.pause+time.Duration(s.random.IntN(int(f.pause/4+time.Millisecond))))
			s.pausing = append(s.pausing, s.now.Add(f.pause))
		} else {
			s.idle++
		}
	}
	s.flying = kept
	waiting := s.pausing[:0]
	for _, until := range s.pausing {
		if until.After(s.now) {
			waiting = append(waiting, until)
		} else {
			s.idle++
		}
	}
	s.pausing = waiting
	for s.idle > 0 && !s.wait.After(s.now) {
		expected := s.governor.portion()
		if wait := s.governor.admit(s.now, expected); wait > 0 {
			s.wait = s.now.Add(wait)
			break
		}
		s.idle--
		last.commands++
		s.flying = append(s.flying, s.send(expected))
	}
}

// send is a command as the account meets it.
func (s *simulated) send(expected float64) flight {
	f := flight{lands: s.now.Add(s.latency), admitted: s.now, expected: expected}
	cost := expected * s.told * (0.9 + 0.2*s.random.Float64())
	worst := 0.0
	if !s.writing {
		for n := range s.tokens {
			worst = min(worst, s.tokens[n])
		}
		if worst < 0 {
			f.refused, f.cost = true, documentedRefusal
		} else {
			for n := range s.tokens {
				s.charge(n, cost*s.shareOf(n))
			}
			f.cost = cost
		}
	} else {
		const operation = 10.0
		for left := cost; left > 0; left -= operation {
			n := s.partition()
			if s.tokens[n] < 0 {
				f.refused, f.cost = true, f.cost+documentedRefusal
				worst = min(worst, s.tokens[n])
				continue
			}
			s.charge(n, min(operation, left))
			f.cost += min(operation, left)
		}
	}
	share := s.perSecond * (1 - s.others) / float64(len(s.tokens))
	if f.pause = time.Duration(-worst / share * float64(time.Second)); s.silent && f.refused {
		f.pause = blindHold
	}
	return f
}

func (s *simulated) charge(n int, cost float64) { s.tokens[n] -= cost }

func (s *simulated) shareOf(n int) float64 {
	if s.hot == 0 {
		return 1 / float64(len(s.tokens))
	}
	if n == 0 {
		return s.hot
	}
	return (1 - s.hot) / float64(len(s.tokens)-1)
}

func (s *simulated) partition() int {
	if s.hot > 0 && s.random.Float64() < s.hot {
		return 0
	}
	return s.random.IntN(len(s.tokens))
}

// uses checks a window of seconds against what was to be had.
func (s *simulated) uses(t *testing.T, from, to int, available, least, mostThrottled float64) {
	t.Helper()
	var sum second
	for _, x := range s.history[from:to] {
		sum.used += x.used
		sum.commands += x.commands
		sum.throttled += x.throttled
	}
	used := sum.used / float64(to-from) / available
	throttled := float64(sum.throttled) / float64(sum.commands)
	t.Logf("seconds %d to %d: %.1f %% of %.0f RU/s, %.1f %% of %d commands throttled", from, to, 100*used, available, 100*throttled, sum.commands)
	if used < least || used > 1.02 {
		t.Errorf("used %.1f %%, want %.0f to 102 %%", 100*used, 100*least)
	}
	if throttled > mostThrottled {
		t.Errorf("%.1f %% throttled, want at most %.1f %%", 100*throttled, 100*mostThrottled)
	}
}

// kinds are reads and writes, on one partition and on many, by few and by many workers, near and far.
func kinds(t *testing.T, perSecond float64, test func(t *testing.T, s *simulated)) {
	for _, writing := range []bool{false, true} {
		for _, partitions := range []int{1, 6} {
			if perSecond < 4000 && partitions > 1 {
				continue // an account has no more partitions than throughput for them
			}
			for _, workers := range []int{4, 32} {
				for _, latency := range []time.Duration{2 * time.Millisecond, 60 * time.Millisecond} {
					t.Run(fmt.Sprintf("writing %t/%d partitions/%d workers/%s", writing, partitions, workers, latency), func(t *testing.T) {
						test(t, &simulated{perSecond: perSecond, tokens: make([]float64, partitions), writing: writing, workers: workers, latency: latency})
					})
				}
			}
		}
	}
}

func TestAKnownBudgetIsUsedAndNotOverrun(t *testing.T) {
	for _, perSecond := range []float64{400, 10_000, 100_000} {
		kinds(t, perSecond, func(t *testing.T, s *simulated) {
			s.start(perSecond)
			s.run(40, nil)
			s.uses(t, 10, 40, perSecond, 0.85, 0.05)
		})
	}
}

func TestAPartOfTheBudgetLeavesTheRest(t *testing.T) {
	kinds(t, 10_000, func(t *testing.T, s *simulated) {
		s.start(5000)
		s.run(40, nil)
		s.uses(t, 0, 40, 5000, 0.85, 0)
	})
}

func TestAnUnknownBudgetIsFound(t *testing.T) {
	for _, perSecond := range []float64{600, 5000, 40_000} {
		kinds(t, perSecond, func(t *testing.T, s *simulated) {
			s.start(0)
			s.run(60, nil)
			s.uses(t, 10, 60, perSecond, 0.85, 0.05)
		})
	}
}

func TestOtherTrafficComesAndGoes(t *testing.T) {
	for _, others := range []float64{0.4, 0.8} {
		kinds(t, 10_000, func(t *testing.T, s *simulated) {
			s.start(10_000)
			s.run(90, func(n int) {
				switch n {
				case 20:
					s.others = others
				case 60:
					s.others = 0
				}
			})
			s.uses(t, 10, 20, 10_000, 0.85, 0.05)
			s.uses(t, 30, 60, 10_000*(1-others), 0.85, 0.05)
			s.uses(t, 70, 90, 10_000, 0.85, 0.05)
		})
	}
}

// A change of the budget is known when the throughput is asked for the next time.
func TestABudgetChangedWhileRunningIsFollowed(t *testing.T) {
	kinds(t, 4000, func(t *testing.T, s *simulated) {
		s.start(4000)
		s.run(70, func(n int) {
			switch n {
			case 20:
				s.perSecond = 16_000
			case 24:
				s.governor.setBudget(s.now, 16_000)
			case 40:
				s.perSecond = 2000
			case 44:
				s.governor.setBudget(s.now, 2000)
			}
		})
		s.uses(t, 10, 20, 4000, 0.85, 0.05)
		s.uses(t, 30, 40, 16_000, 0.85, 0.05)
		s.uses(t, 50, 70, 2000, 0.85, 0.05)
	})
}

// What the busiest partition gives is all that can be had of a read, and of writes that come in its proportion.
func TestAHotPartitionThrottlesWithinTheBudget(t *testing.T) {
	for _, writing := range []bool{false, true} {
		s := &simulated{perSecond: 10_000, tokens: make([]float64, 5), hot: 0.5, writing: writing, workers: 8, latency: 5 * time.Millisecond}
		s.start(10_000)
		s.run(60, nil)
		share := 0.5
		if writing {
			share = 0.5 + 0.5/5 // the other half falls on all
		}
		s.uses(t, 15, 60, 10_000/5/share, 0.85, 0.05)
	}
}

func TestAnAccountThatDoesNotSayHowLongToWait(t *testing.T) {
	kinds(t, 10_000, func(t *testing.T, s *simulated) {
		s.silent, s.others = true, 0.3
		s.start(10_000)
		s.run(60, nil)
		s.uses(t, 10, 60, 7000, 0.85, 0.05)
	})
}

func TestCommandsThatCostOtherThanExpected(t *testing.T) {
	for _, told := range []float64{0.5, 2} {
		kinds(t, 10_000, func(t *testing.T, s *simulated) {
			s.told = told
			s.start(10_000)
			s.run(40, nil)
			s.uses(t, 10, 40, 10_000, 0.85, 0.05)
		})
	}
}

func TestRefusalsOfOneMomentLowerTheRateOnce(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	g := newGovernor(now, 10_000)
	before := g.rate
	for range 20 {
		g.throttled(now.Add(10*time.Millisecond), now, 50*time.Millisecond)
	}
	if want := before * lowering; g.rate < want*0.99 || g.rate > want*1.01 {
		t.Errorf("the rate is %.0f, want %.0f", g.rate, want)
	}
}

func TestNothingStartsBeforeTheAccountSaid(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	g := newGovernor(now, 10_000)
	g.throttled(now, now, 300*time.Millisecond)
	if wait := g.admit(now.Add(299*time.Millisecond), 1); wait <= 0 {
		t.Error("a command started too early")
	}
	if wait := g.admit(now.Add(300*time.Millisecond), 1); wait > 0 {
		t.Errorf("a command waits for %s more", wait)
	}
	g.throttled(now, now, time.Hour) // nonsense
	if wait := g.admit(now.Add(mostHold), 1); wait > 0 {
		t.Errorf("a command waits for %s more", wait)
	}
}

func TestWhatIsNotUsedProvesNothing(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	g := newGovernor(now, 0)
	for range 60 { // an unknown budget, and hardly any demand
		now = now.Add(time.Second)
		g.admit(now, 10)
	}
	if g.rate > 2*probeStart {
		t.Errorf("the rate rose to %.0f without being used", g.rate)
	}
}
