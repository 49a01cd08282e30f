package endpoint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Governor keeps everything that uses one connection of a plan within its budget of request units: the workers of
// a step, and one step after another. Each thing that has a throughput of its own has a budget of its own: a
// collection with dedicated throughput, or all that share the database's. A budget that is a plain number is one
// for the whole connection. Safe for concurrent use.
type Governor struct {
	budget Budget
	now    func() time.Time
	after  func(time.Duration) <-chan time.Time

	mu      sync.Mutex
	funds   map[string]*fund // by collection; those that share one have the same
	shared  *fund            // the database's, or the whole connection's
	tariffs map[string]*tariff
	spent   float64
	samples map[string]sample // of collections, see [Reader.Forecast]
}

// fund is one throughput and those who wait to draw on it.
type fund struct {
	turn chan struct{} // held by the one who waits for tokens; the others queue for it

	mu       sync.Mutex
	governor *governor
	asked    string    // the collection by which the throughput is asked for
	checked  time.Time // when it was asked for last
	silent   int       // answers without a throughput
}

const (
	recheckBudget = 5 * time.Second // metadata has 240 RU/s of its own, of which this takes next to nothing
	recheckNew    = time.Second     // the collection may be about to be created
	mostRechecks  = 5               // of those
	recheckWithin = 2 * time.Second
	longestNap    = 200 * time.Millisecond // a waiting command sees a changed budget after so long
	blindHold     = 50 * time.Millisecond  // where the account does not say how long to wait
)

// NewGovernor returns a governor for a connection. It does nothing but reckon where the budget is off.
func NewGovernor(budget Budget) *Governor {
	return newGovernorAt(budget, time.Now, func(d time.Duration) <-chan time.Time { return time.After(d) })
}

func newGovernorAt(budget Budget, now func() time.Time, after func(time.Duration) <-chan time.Time) *Governor {
	return &Governor{budget: budget, now: now, after: after, funds: map[string]*fund{}, tariffs: map[string]*tariff{}, samples: map[string]sample{}}
}

// PerSecond is the request units a second that may be used by what has been worked on so far; 0 where unknown.
func (g *Governor) PerSecond() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum, counted := 0.0, map[*fund]bool{}
	for _, f := range g.funds {
		if !counted[f] {
			counted[f] = true
			f.mu.Lock()
			sum += f.governor.budget
			f.mu.Unlock()
		}
	}
	return sum
}

// perSecondOf is what a collection may use of that, by itself or with others that share its throughput.
func (g *Governor) perSecondOf(ctx context.Context, r *Reader, collection string) float64 {
	if g.budget.Off {
		return 0
	}
	f := g.fundOf(ctx, r, collection)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.governor.budget
}

// draw waits until a command of that expected cost may start. stopping closed means no more patience.
func (g *Governor) draw(ctx context.Context, r *Reader, collection string, cost float64, stopping <-chan struct{}) (*fund, error) {
	if g.budget.Off {
		return nil, nil
	}
	f := g.fundOf(ctx, r, collection)
	select {
	case f.turn <- struct{}{}:
	case <-stopping:
		return nil, errWaiting
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-f.turn }()
	for {
		g.recheck(ctx, r, f)
		f.mu.Lock()
		wait := f.governor.admit(g.now(), cost)
		f.mu.Unlock()
		if wait <= 0 {
			return f, nil
		}
		select {
		case <-g.after(min(wait, longestNap)):
		case <-stopping:
			return nil, errWaiting
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errWaiting = fmt.Errorf("%w: it waited for its share of the request units", ErrStopping)

// fundOf finds what a collection draws on, asking for the throughput at its first use.
func (g *Governor) fundOf(ctx context.Context, r *Reader, collection string) *fund {
	g.mu.Lock()
	f := g.funds[collection]
	g.mu.Unlock()
	if f != nil {
		return f
	}
	throughput, budget := Throughput{Shared: true}, g.budget.PerSec
	if budget == 0 {
		throughput = r.quickThroughput(ctx, collection)
		budget = g.share(throughput)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.funds[collection]; f != nil { // another one was quicker
		return f
	}
	if throughput.Shared {
		if g.shared == nil {
			g.shared = g.newFund(collection, budget)
		}
		f = g.shared
	} else {
		f = g.newFund(collection, budget)
	}
	g.funds[collection] = f
	return f
}

func (g *Governor) newFund(collection string, budget float64) *fund {
	return &fund{turn: make(chan struct{}, 1), governor: newGovernor(g.now(), budget), asked: collection, checked: g.now()}
}

// share is the part of a throughput that may be used.
func (g *Governor) share(t Throughput) float64 {
	if g.budget.Fraction > 0 {
		return t.PerSecond * g.budget.Fraction
	}
	return t.PerSecond
}

// recheck follows a throughput that is raised or lowered while running. A failure leaves things as they are: the
// account answers soon again, or something that matters fails.
func (g *Governor) recheck(ctx context.Context, r *Reader, f *fund) {
	if g.budget.PerSec > 0 {
		return
	}
	f.mu.Lock()
	pause := recheckBudget
	if f.governor.budget == 0 && f.silent < mostRechecks {
		pause = recheckNew
	}
	due := g.now().Sub(f.checked) >= pause
	if due {
		f.checked = g.now()
	}
	f.mu.Unlock()
	if !due {
		return
	}
	throughput := r.quickThroughput(ctx, f.asked)
	g.mu.Lock()
	if throughput.Shared && f != g.shared {
		delete(g.funds, f.asked) // it was unknown before: from the next command on it draws on the common one
	}
	g.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !throughput.Known() {
		f.silent++
		return
	}
	f.governor.setBudget(g.now(), g.share(throughput))
}

// quickThroughput is [Reader.Throughput] for the way of a waiting command: one attempt, unknown where it fails.
func (r *Reader) quickThroughput(ctx context.Context, collection string) Throughput {
	ctx, cancel := context.WithTimeout(ctx, recheckWithin)
	defer cancel()
	throughput, err := r.Throughput(ctx, collection)
	if err != nil {
		return Throughput{}
	}
	return throughput
}

func (g *Governor) settle(f *fund, expected, cost float64) {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.governor.settle(g.now(), expected, cost)
	f.mu.Unlock()
}

// throttled is told of a refusal, and of the pause that it asked for. The pause is stretched by chance, so that
// not all who share an account come back in the same moment.
func (g *Governor) throttled(f *fund, admitted time.Time, asked time.Duration) {
	if f == nil {
		return
	}
	if asked <= 0 {
		asked = blindHold
	}
	f.mu.Lock()
	f.governor.throttled(g.now(), admitted, asked+rand.N(asked/4+time.Millisecond))
	f.mu.Unlock()
}

// portion is what one command on a collection should cost at most; 0 where there is no bound.
func (g *Governor) portion(collection string) float64 {
	if g.budget.Off {
		return 0
	}
	g.mu.Lock()
	f := g.funds[collection]
	g.mu.Unlock()
	if f == nil {
		return probeStart / commandsASec // not used yet: begin small
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.governor.advance(g.now())
	return f.governor.portion()
}

// reckon is what a command of that kind and weight probably costs.
func (g *Governor) reckon(kind string, weight float64) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tariff(kind).reckon(weight)
}

// affordable is the weight of a command whose cost is about one portion, or at least so large that the fixed part
// of its cost is small beside the rest; 0 where there is no bound.
func (g *Governor) affordable(kind, collection string) float64 {
	portion := g.portion(collection)
	if portion == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tariff(kind)
	fixed := t.fixed()
	return affordableWeight(portion, fixed, t.reckon(1)-fixed)
}

// A command is made at least so many times as expensive as its fixed part.
const fixedShare = 20

// affordableWeight is the weight of a command that costs a portion, where it costs so much without any weight and so
// much more for each of it; 0 where weight costs nothing.
func affordableWeight(portion, fixed, rise float64) float64 {
	if rise <= 0 {
		return 0
	}
	return max(portion-fixed, fixedShare*fixed) / rise
}

// Spent is the request units that everything that uses the connection has used.
func (g *Governor) Spent() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.spent
}

func (g *Governor) spend(cost float64) {
	g.mu.Lock()
	g.spent += cost
	g.mu.Unlock()
}

func (g *Governor) recall(key string) (sample, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen, ok := g.samples[key]
	return seen, ok
}

func (g *Governor) remember(key string, seen sample) {
	g.mu.Lock()
	g.samples[key] = seen
	g.mu.Unlock()
}

func (g *Governor) observe(kind string, weight, charge float64) {
	g.mu.Lock()
	g.tariff(kind).observe(weight, charge)
	g.mu.Unlock()
}

func (g *Governor) grant(kind string, wanted, charge float64) {
	g.mu.Lock()
	g.tariff(kind).grant(wanted, charge)
	g.mu.Unlock()
}

func (g *Governor) broken(kind string, expected float64) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tariff(kind).broken(expected)
}

func (g *Governor) due(kind string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tariff(kind).due()
}

func (g *Governor) tariff(kind string) *tariff {
	t := g.tariffs[kind]
	if t == nil {
		t = &tariff{}
		g.tariffs[kind] = t
	}
	return t
}
