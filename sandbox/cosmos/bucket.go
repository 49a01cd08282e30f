package cosmos

import "time"

// bucket holds the request units of one physical partition: at most a second's worth, and less than nothing
// when more was charged than there was.
type bucket struct {
	rate   float64 // RU/s
	tokens float64
	filled time.Time

	charged   float64 // what throttled attempts were charged included
	throttled int64   // attempts
}

func newBucket(rate float64, now time.Time) *bucket {
	return &bucket{rate: rate, tokens: rate, filled: now}
}

// fill adds what has accrued.
func (b *bucket) fill(now time.Time) {
	if elapsed := now.Sub(b.filled).Seconds(); elapsed > 0 {
		b.tokens = min(b.tokens+elapsed*b.rate, b.rate)
		b.filled = now
	}
}

// wait is how long the bucket admits nothing; 0 when it admits now.
func (b *bucket) wait(now time.Time) time.Duration {
	b.fill(now)
	if b.tokens > 0 {
		return 0
	}
	return max(time.Duration(-b.tokens/b.rate*float64(time.Second)), time.Millisecond)
}

func (b *bucket) charge(units float64) {
	b.tokens -= units
	b.charged += units
}

// refuse counts an attempt that was not admitted. It is charged, but not from the throughput: an account that
// is asked too much still does all the work that it can.
func (b *bucket) refuse() {
	b.charged += chargeThrottled
	b.throttled++
}

// setRate changes the rate from now on.
func (b *bucket) setRate(rate float64, now time.Time) {
	b.fill(now)
	b.rate = rate
	b.tokens = min(b.tokens, rate)
}
