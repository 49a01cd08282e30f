package wire

import (
	"math/bits"
	"sync"
)

// bufferPool lends memory for messages to all connections of a proxy.
type bufferPool struct{ pool sync.Pool }

// buffers is what one exchange has borrowed: all of it goes back together when the exchange is over, so that
// an interceptor may hold on to several replies at once.
type buffers struct {
	pool *bufferPool
	lent []*[]byte
}

func (b *buffers) take(size int) []byte {
	lent, _ := b.pool.pool.Get().(*[]byte)
	if lent == nil || cap(*lent) < size {
		fresh := make([]byte, 0, 1<<bits.Len(uint(max(size, 4<<10)-1)))
		lent = &fresh
	}
	b.lent = append(b.lent, lent)
	return (*lent)[:size]
}

func (b *buffers) release() {
	for _, lent := range b.lent {
		b.pool.pool.Put(lent)
	}
	clear(b.lent)
	b.lent = b.lent[:0]
}
