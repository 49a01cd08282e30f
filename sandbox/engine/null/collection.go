package null

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/bson"
)

// collection is which of the virtual documents are there: all of them, or those that have arrived.
// It is safe for concurrent use.
type collection struct {
	layout layout
	whole  bool

	arrived []atomic.Pointer[page] // a page is made when its first document arrives
	count   atomic.Int64

	mu      sync.Mutex
	indexes []bson.Raw // besides that on _id
}

const (
	pageWords     = 16 << 10
	pageDocuments = pageWords * 64
)

type page [pageWords]atomic.Uint64

func newCollection(l layout, whole bool) *collection {
	c := &collection{layout: l, whole: whole}
	if whole {
		c.count.Store(l.spread.documents())
	} else {
		c.arrived = make([]atomic.Pointer[page], (l.spread.documents()+pageDocuments-1)/pageDocuments)
	}
	return c
}

// newFullCollection has every document but those that an alteration removes.
func newFullCollection(l layout) *collection {
	if !l.altered.removes() {
		return newCollection(l, true)
	}
	c := newCollection(l, false)
	for i := range l.spread.documents() {
		if l.altered.of(i) != Missing {
			c.add(i)
		}
	}
	return c
}

func (c *collection) page(i int64) *page {
	at := &c.arrived[i/pageDocuments]
	if p := at.Load(); p != nil {
		return p
	}
	at.CompareAndSwap(nil, new(page)) // where another was faster, its page is as good
	return at.Load()
}

// add notes that document i is there, and returns false where it was already.
func (c *collection) add(i int64) bool {
	if c.whole {
		return false
	}
	bit := uint64(1) << (i % 64)
	if c.page(i)[i%pageDocuments/64].Or(bit)&bit != 0 {
		return false
	}
	c.count.Add(1)
	return true
}

// remove notes that document i is gone, and returns false where it was not there.
func (c *collection) remove(i int64) bool {
	bit := uint64(1) << (i % 64)
	if c.whole || c.page(i)[i%pageDocuments/64].And(^bit)&bit == 0 {
		return false
	}
	c.count.Add(-1)
	return true
}

// word returns the bits of the 64 documents of which i is one.
func (c *collection) word(i int64) uint64 {
	if c.whole {
		return ^uint64(0)
	}
	p := c.arrived[i/pageDocuments].Load()
	if p == nil {
		return 0
	}
	return p[i%pageDocuments/64].Load()
}

// interval is documents from first to before end.
type interval struct{ first, end int64 }

func (i interval) empty() bool { return i.first >= i.end }

// countIn counts the documents of an interval.
func (c *collection) countIn(in interval) int64 {
	if in.empty() {
		return 0
	}
	if c.whole {
		return in.end - in.first
	}
	n := int64(0)
	for i := in.first; i < in.end; i = i - i%64 + 64 {
		n += int64(bits.OnesCount64(c.word(i) & mask(i, in.end)))
	}
	return n
}

// take appends up to limit documents from the front of an interval, or from its back where descending, and
// returns what of the interval is left.
func (c *collection) take(dst []int64, in interval, descending bool, limit int) ([]int64, interval) {
	for limit > 0 && !in.empty() {
		if descending {
			last := in.end - 1
			floor := max(in.first, last-last%64)
			word := c.word(last) & mask(floor, in.end)
			for ; word != 0 && limit > 0; limit-- {
				high := 63 - bits.LeadingZeros64(word)
				in.end = last - last%64 + int64(high)
				dst = append(dst, in.end)
				word &^= 1 << high
			}
			if word == 0 {
				in.end = floor
			}
			continue
		}
		base := in.first - in.first%64
		word := c.word(in.first) & mask(in.first, in.end)
		for ; word != 0 && limit > 0; limit-- {
			low := bits.TrailingZeros64(word)
			dst = append(dst, base+int64(low))
			in.first = base + int64(low) + 1
			word &= word - 1
		}
		if word == 0 {
			in.first = base + 64
		}
	}
	return dst, in
}

// mask has the bits of first and of those after it in its word that lie before end.
func mask(first, end int64) uint64 {
	m := ^uint64(0) << (first % 64)
	if rest := end - (first - first%64); rest < 64 {
		m &= 1<<rest - 1
	}
	return m
}
