package cosmos

import (
	"math"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func TestBucket(t *testing.T) {
	c := newClock()
	b := newBucket(100, c.now())
	steps := []struct {
		name    string
		forward time.Duration
		charge  float64
		wait    time.Duration // after the charge
	}{
		{"a second's worth is there", 0, 99, 0},
		{"the last unit may be overdrawn", 0, 51, 500 * time.Millisecond},
		{"half of the debt is paid", 250 * time.Millisecond, 0, 250 * time.Millisecond},
		{"all of it, and nothing more", 250 * time.Millisecond, 0, time.Millisecond},
		{"something is there again", 10 * time.Millisecond, 0, 0},
		{"more than a second saves no more than a second", time.Hour, 150, 500 * time.Millisecond},
		{"a clock that goes back changes nothing", -time.Minute, 0, 500 * time.Millisecond},
	}
	for _, s := range steps {
		c.forward(s.forward)
		b.fill(c.now())
		if s.charge > 0 {
			b.charge(s.charge)
		}
		if got := b.wait(c.now()); (got - s.wait).Abs() > time.Microsecond {
			t.Errorf("%s: wait %v, want %v", s.name, got, s.wait)
		}
	}
	if b.charged != 300 {
		t.Errorf("charged %g, want 300", b.charged)
	}
}

func TestBucketRateChanges(t *testing.T) {
	c := newClock()
	b := newBucket(100, c.now())
	b.charge(200)
	c.forward(500 * time.Millisecond) // pays 50 at the old rate
	b.setRate(10, c.now())
	if got := b.wait(c.now()); got != 5*time.Second {
		t.Errorf("wait %v, want 5s for a debt of 50", got)
	}
	b.setRate(1000, c.now())
	if got := b.wait(c.now()); got != 50*time.Millisecond {
		t.Errorf("wait %v, want 50ms", got)
	}
}

// TestAccountHoldsItsBudget: whoever asks as often as they can gets the budget and no more.
func TestAccountHoldsItsBudget(t *testing.T) {
	for _, background := range []float64{0, 600, 5000} {
		c := newClock()
		a := newAccount(1000, background, 4, c.now)
		want := 1000 - min(background, 950)
		used := 0.0
		const seconds = 30
		for range seconds * 1000 {
			c.forward(time.Millisecond)
			for partition := range 4 {
				for a.take(partition, 5.5) == 0 {
					used += 5.5
				}
				a.refuse(partition) // costs the client, and takes nothing from the others
			}
		}
		// A second's worth was saved before the start.
		if got := used / (seconds + 1); math.Abs(got-want) > want*0.03+1 {
			t.Errorf("with %g of other traffic %.0f RU/s were used, want %.0f", background, got, want)
		}
	}
}

func TestAccountHotPartition(t *testing.T) {
	c := newClock()
	a := newAccount(1000, 0, 4, c.now)
	for a.take(2, 10) == 0 {
	}
	if a.take(1, 10) != 0 {
		t.Error("another partition throttles too")
	}
	if wait, blamed := a.wait(everyPartition); wait == 0 || blamed != 2 {
		t.Errorf("a query over all partitions waits %v for partition %d", wait, blamed)
	}
	if wait, _ := a.wait(3); wait != 0 {
		t.Error("a query of an idle partition waits")
	}
}

func TestPartitionOf(t *testing.T) {
	a := newAccount(1000, 0, 5, newClock().now)
	id := func(value any) bson.RawValue {
		kind, data, err := bson.MarshalValue(value)
		if err != nil {
			t.Fatal(err)
		}
		return bson.RawValue{Type: kind, Value: data}
	}
	if a.partitionOf(id(int32(7))) != a.partitionOf(id(7.0)) || a.partitionOf(id(int64(7))) != a.partitionOf(id(7.0)) {
		t.Error("one number lives in two partitions")
	}
	a.partitionOf(bson.RawValue{}) // a document without _id is no reason to panic
	counts := make([]int, 5)
	for n := range 10_000 {
		counts[a.partitionOf(id(n))]++
	}
	for partition, count := range counts {
		if count < 1700 || count > 2300 {
			t.Errorf("partition %d holds %d of 10,000 documents", partition, count)
		}
	}
}

func TestWindow(t *testing.T) {
	c := newClock()
	var w window
	w.add(c.now(), 5)
	w.add(c.now(), 6)
	if c.forward(time.Second); true {
		w.add(c.now(), 1)
	}
	if w.whole != 11 || w.current != 1 {
		t.Errorf("%g in the last second, %g in this one", w.whole, w.current)
	}
	c.forward(5 * time.Second)
	if w.turn(c.now()); w.whole != 0 || w.current != 0 {
		t.Errorf("after a pause %g and %g", w.whole, w.current)
	}
}
