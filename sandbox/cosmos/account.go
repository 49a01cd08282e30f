package cosmos

import (
	"hash/fnv"
	"math"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// everyPartition stands for all of them, where the number of one is asked for.
const everyPartition = -1

// Other traffic never takes more than this share of the budget: it is throttled too.
const mostBackground = 0.95

// account is the throughput and who has used it.
type account struct {
	now func() time.Time

	mu         sync.Mutex
	perSecond  float64
	background float64
	partitions []*bucket
	metadata   *bucket
	recent     window
}

func newAccount(perSecond, background float64, partitions int, now func() time.Time) *account {
	a := &account{now: now, perSecond: perSecond, background: background, metadata: newBucket(metadataPerSecond, now())}
	for range partitions {
		a.partitions = append(a.partitions, newBucket(a.share(partitions), now()))
	}
	return a
}

// share is what one of n partitions gets a second.
func (a *account) share(n int) float64 {
	return (a.perSecond - min(a.background, mostBackground*a.perSecond)) / float64(n)
}

// set changes the throughput, and what other traffic uses of it, from now on.
func (a *account) set(perSecond, background float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.perSecond, a.background = perSecond, background
	for _, b := range a.partitions {
		b.setRate(a.share(len(a.partitions)), a.now())
	}
}

// wait is how long one partition, or every one, admits nothing; and which partition is the one to wait for.
func (a *account) wait(partition int) (time.Duration, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if partition != everyPartition {
		return a.partitions[partition].wait(a.now()), partition
	}
	longest, blamed := time.Duration(0), 0
	for n, b := range a.partitions {
		if wait := b.wait(a.now()); wait > longest {
			longest, blamed = wait, n
		}
	}
	return longest, blamed
}

// take charges a partition, unless it has to be waited for.
func (a *account) take(partition int, units float64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.partitions[partition]
	if wait := b.wait(a.now()); wait > 0 {
		return wait
	}
	a.chargeLocked(b, units)
	return 0
}

// takeMetadata is take for the metadata commands' own budget.
func (a *account) takeMetadata() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.metadata.wait(a.now()); wait > 0 {
		return wait
	}
	a.chargeLocked(a.metadata, chargeMetadata)
	return 0
}

// refuseMetadata is refuse for the metadata commands' own budget.
func (a *account) refuseMetadata() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.metadata.refuse()
	a.recent.add(a.now(), chargeThrottled)
}

// charge charges one partition, or all of them evenly, for what was done already.
func (a *account) charge(partition int, units float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if partition != everyPartition {
		a.chargeLocked(a.partitions[partition], units)
		return
	}
	for _, b := range a.partitions {
		a.chargeLocked(b, units/float64(len(a.partitions)))
	}
}

// refuse charges a partition for an attempt that it did not admit.
func (a *account) refuse(partition int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partitions[partition].refuse()
	a.recent.add(a.now(), chargeThrottled)
}

func (a *account) chargeLocked(b *bucket, units float64) {
	b.charge(units)
	a.recent.add(a.now(), units)
}

// partitionOf is where a document lives.
func (a *account) partitionOf(id bson.RawValue) int {
	return partitionIn(hashOf(id), a.count())
}

// count is how many partitions there are.
func (a *account) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.partitions)
}

// split splits partitions until there are count of them. The new ones begin without anything to spend.
func (a *account) split(count int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.partitions {
		b.setRate(a.share(count), a.now())
	}
	for len(a.partitions) < count {
		fresh := newBucket(a.share(count), a.now())
		fresh.tokens = 0
		a.partitions = append(a.partitions, fresh)
	}
}

func hashOf(id bson.RawValue) uint64 {
	h := fnv.New64a()
	kind, value := byte(id.Type), id.Value
	if number, ok := asFloat(id); ok { // 1 and 1.0 are one _id
		kind = byte(bson.TypeDouble)
		var bits [8]byte
		for n := range bits {
			bits[n] = byte(math.Float64bits(number) >> (8 * n))
		}
		value = bits[:]
	}
	_, _ = h.Write([]byte{kind})
	_, _ = h.Write(value)
	// FNV leaves the upper bits of neighbours alike, and partitions are ranges.
	sum := h.Sum64()
	sum = (sum ^ sum>>33) * 0xff51afd7ed558ccd
	sum = (sum ^ sum>>33) * 0xc4ceb9fe1a85ec53
	return sum ^ sum>>33
}

func asFloat(value bson.RawValue) (float64, bool) {
	if number, ok := value.DoubleOK(); ok {
		return number, true
	}
	if number, ok := value.AsInt64OK(); ok {
		return float64(number), true
	}
	return 0, false
}

// window sums what happens within each second of the clock.
type window struct {
	second         int64
	current, whole float64 // of this second so far, and of the one before
}

func (w *window) add(now time.Time, units float64) {
	w.turn(now)
	w.current += units
}

// turn begins a new second where the clock has.
func (w *window) turn(now time.Time) {
	switch second := now.Unix(); {
	case second == w.second+1:
		w.second, w.whole, w.current = second, w.current, 0
	case second != w.second:
		w.second, w.whole, w.current = second, 0, 0
	}
}

// into copies the account's part of the statistics.
func (a *account) into(s *Statistics) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Budget.RequestUnits, s.Budget.Background = a.perSecond, a.background
	a.recent.turn(a.now())
	s.Charged.LastSecond = a.recent.whole
	for _, b := range a.partitions {
		b.fill(a.now())
		s.Partitions = append(s.Partitions, Partition{RequestUnits: b.rate, Available: b.tokens, Charged: b.charged, Throttled: b.throttled})
	}
}

// forget begins counting anew; debts stay.
func (a *account) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.partitions {
		b.charged, b.throttled = 0, 0
	}
}
