package endpoint

import (
	"context"
	"sync"
)

// Memory bounds the document bytes in flight between a source and a target.
type Memory struct {
	limit int64

	mu      sync.Mutex
	used    int64
	waiting []*memoryWaiter // first come, first served, so that a large request is not starved
}

type memoryWaiter struct {
	bytes   int64
	granted chan struct{}
}

// NewMemory returns a bound of limit bytes.
func NewMemory(limit int64) *Memory { return &Memory{limit: limit} }

// Limit is the bound in bytes.
func (m *Memory) Limit() int64 { return m.limit }

// Used is how many bytes are taken.
func (m *Memory) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// Acquire takes n bytes, waiting until they are free. A request larger than the whole bound is granted when
// nothing else is in flight, so that a document of any size passes alone.
func (m *Memory) Acquire(ctx context.Context, n int64) error {
	m.mu.Lock()
	if len(m.waiting) == 0 && m.fits(n) {
		m.used += n
		m.mu.Unlock()
		return nil
	}
	w := &memoryWaiter{bytes: n, granted: make(chan struct{})}
	m.waiting = append(m.waiting, w)
	m.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-w.granted: // granted while giving up
		m.used -= n
	default:
		for i, other := range m.waiting {
			if other == w {
				m.waiting = append(m.waiting[:i], m.waiting[i+1:]...)
				break
			}
		}
	}
	m.grant()
	return ctx.Err()
}

// TryAcquire takes n bytes if they are free and nobody waits for some.
func (m *Memory) TryAcquire(n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) > 0 || !m.fits(n) {
		return false
	}
	m.used += n
	return true
}

// Adjust changes what one holder has taken from was to is bytes, without waiting: a reply's size is known
// only once it is here, so the bound may be overrun by the difference, until the holder gives it back.
func (m *Memory) Adjust(was, is int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used += is - was
	m.grant()
}

// Release gives n bytes back.
func (m *Memory) Release(n int64) { m.Adjust(n, 0) }

func (m *Memory) fits(n int64) bool { return m.used == 0 || m.used+n <= m.limit }

func (m *Memory) grant() {
	for len(m.waiting) > 0 && m.fits(m.waiting[0].bytes) {
		w := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.used += w.bytes
		close(w.granted)
	}
}
