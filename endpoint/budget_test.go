package endpoint

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// ownClock is a clock that goes on by as much as anybody waits.
type ownClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *ownClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *ownClock) after(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	passed := make(chan time.Time, 1)
	passed <- c.now
	return passed
}

func clockedGovernor(budget Budget) (*Governor, *ownClock) {
	clock := &ownClock{now: time.Unix(1_000_000, 0)}
	return newGovernorAt(budget, clock.time, clock.after), clock
}

func TestWorkersShareOneBudget(t *testing.T) {
	g, clock := clockedGovernor(Budget{PerSec: 1000})
	begun := clock.time()
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			collection := []string{"a", "b"}[worker%2] // a plain number is for the whole connection
			for range 50 {
				f, err := g.draw(context.Background(), nil, collection, 20, nil)
				if err != nil {
					t.Error(err)
					return
				}
				g.settle(f, 20, 25)
			}
		})
	}
	workers.Wait()
	if perSecond := 8 * 50 * 25 / clock.time().Sub(begun).Seconds(); perSecond > 1010 || perSecond < 850 {
		t.Errorf("%.0f RU/s were used of 1000", perSecond)
	}
	if g.PerSecond() != 1000 {
		t.Errorf("the budget is %g", g.PerSecond())
	}
}

func TestWaitingForABudgetEndsWithTheRun(t *testing.T) {
	g, _ := clockedGovernor(Budget{PerSec: 10})
	g.after = func(time.Duration) <-chan time.Time { return nil }
	if _, err := g.draw(context.Background(), nil, "c", 10_000, nil); err != nil {
		t.Fatal(err)
	}
	stopping := make(chan struct{})
	failed := make(chan error, 3)
	for range 2 { // one waits for tokens and one for its turn
		go func() {
			_, err := g.draw(context.Background(), nil, "c", 1, stopping)
			failed <- err
		}()
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := g.draw(ctx, nil, "c", 1, nil)
		failed <- err
	}()
	cancel()
	close(stopping)
	stopped, cancelled := 0, 0
	for range 3 {
		switch err := <-failed; {
		case errors.Is(err, ErrStopping):
			stopped++
		case errors.Is(err, context.Canceled):
			cancelled++
		}
	}
	if stopped != 2 || cancelled != 1 {
		t.Errorf("%d stopped, %d cancelled", stopped, cancelled)
	}
}

func TestABudgetThatIsOffWaitsForNothing(t *testing.T) {
	g, clock := clockedGovernor(Budget{Off: true})
	begun := clock.time()
	for range 1000 {
		f, err := g.draw(context.Background(), nil, "c", 1e6, nil)
		if err != nil || f != nil {
			t.Fatal(f, err)
		}
		g.settle(f, 1e6, 1e6)
		g.throttled(f, begun, time.Second)
	}
	if clock.time() != begun || g.affordable(kindRead, "c") != 0 {
		t.Error("it held something back")
	}
}

// A command is cut so that it costs a small part of a second, but not so small that its fixed part counts.
func TestACommandIsAffordable(t *testing.T) {
	g, _ := clockedGovernor(Budget{PerSec: 16_000})
	if _, err := g.draw(context.Background(), nil, "c", 1, nil); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		weight := float64(100 + n)
		g.observe(kindRead, weight, 2*weight+10)
	}
	if got, want := g.affordable(kindRead, "c"), (headroom*1000-10)/2; got < want*0.99 || got > want*1.01 {
		t.Errorf("%.0f, want %.0f", got, want)
	}
	for n := range 500 {
		weight := float64(100 + n%20)
		g.observe(kindRead, weight, 2*weight+500)
	}
	if got, want := g.affordable(kindRead, "c"), fixedShare*500/2.0; got < want*0.98 || got > want*1.02 {
		t.Errorf("%.0f, want %.0f", got, want)
	}
}

func TestAccountsOfCommands(t *testing.T) {
	refused := &CommandError{Code: CodeRequestRateTooLarge, Message: "Error=16500, RetryAfterMs=34, Details='…'"}
	reply := func(d bson.D) bsoncore.Document { return bsoncore.Document(mustMarshal(t, d)) }
	partly := reply(bson.D{{Key: "ok", Value: 1}, {Key: "writeErrors", Value: bson.A{
		bson.D{{Key: "index", Value: 1}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "duplicate"}},
		bson.D{{Key: "index", Value: 3}, {Key: "code", Value: 16500}, {Key: "errmsg", Value: "Error=16500, RetryAfterMs=70, Details='Batch write error.'"}},
		bson.D{{Key: "index", Value: 4}, {Key: "code", Value: 16500}, {Key: "errmsg", Value: "Error=16500, Details='Insert error.'"}},
	}}})
	told := func(charge any) func() (bsoncore.Document, error) {
		return func() (bsoncore.Document, error) { return reply(bson.D{{Key: "RequestCharge", Value: charge}}), nil }
	}
	silent := func() (bsoncore.Document, error) {
		return nil, &CommandError{Code: CodeCommandNotFound, Message: "no such command"}
	}
	for name, test := range map[string]struct {
		reply     bsoncore.Document
		err       error
		ask       func() (bsoncore.Document, error)
		want      float64
		throttled bool
		estimated bool
	}{
		"told":                        {reply(bson.D{{Key: "ok", Value: 1}}), nil, told(12.5), 12.5, false, false},
		"told as a whole number":      {reply(bson.D{{Key: "ok", Value: 1}}), nil, told(int32(12)), 12, false, false},
		"not told":                    {reply(bson.D{{Key: "ok", Value: 1}}), nil, silent, 50, false, true},
		"refused and told":            {nil, refused, told(0.38), 0.38, true, false},
		"refused and not told":        {nil, refused, silent, 0.38, true, true},
		"in part, told":               {partly, nil, told(20.0), 20, true, false},
		"in part, not told":           {partly, nil, silent, 50, true, true},
		"the connection broke":        {nil, errBadReply, told(1.0), 25, false, true},
		"a lost cursor, told":         {nil, &CommandError{Code: CodeCursorNotFound}, told(1.5), 1.5, false, false},
		"a lost cursor, not told":     {nil, &CommandError{Code: CodeCursorNotFound}, silent, 0, false, false},
		"the answer makes no sense":   {reply(bson.D{{Key: "ok", Value: 1}}), nil, told("much"), 50, false, true},
		"code 50, the server retried": {nil, &CommandError{Code: 50, Message: "Request timed out. Retries due to rate limiting: True."}, told(30.0), 30, true, false},
	} {
		r := &Reader{}
		g, _ := clockedGovernor(Budget{PerSec: 1000})
		r.meter = &meter{reader: r, governor: g}
		admitted, err := r.meter.admit(context.Background(), demand{collection: "c", kind: kindInsert, weight: 50})
		if err != nil {
			t.Fatal(err)
		}
		if throttled := r.meter.settle(admitted, test.reply, test.err, test.ask); throttled != test.throttled {
			t.Errorf("%s: throttled %t", name, throttled)
		}
		if usage := r.Usage(); usage.RequestUnits != test.want || usage.Estimated != test.estimated {
			t.Errorf("%s: %+v, want %g RU", name, usage, test.want)
		}
	}
}

// A server that never tells is not asked for ever.
func TestASilentServerIsNotAskedForEver(t *testing.T) {
	r := &Reader{}
	g, _ := clockedGovernor(Budget{Off: true})
	r.meter = &meter{reader: r, governor: g}
	asked := 0
	for range 50 {
		admitted, err := r.meter.admit(context.Background(), demand{collection: "c", kind: kindRead, weight: 1})
		if err != nil {
			t.Fatal(err)
		}
		r.meter.settle(admitted, bsoncore.Document(mustMarshal(t, bson.D{{Key: "ok", Value: 1}})), nil, func() (bsoncore.Document, error) {
			asked++
			return nil, &CommandError{Code: CodeCommandNotFound}
		})
	}
	if asked != mostRefusals {
		t.Errorf("asked %d times", asked)
	}
}
