package endpoint

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Memory bounds the document bytes in flight between a source and a target.
type Memory struct {
	limit int64
	bytes *semaphore.Weighted
}

// NewMemory returns a bound of limit bytes.
func NewMemory(limit int64) *Memory {
	return &Memory{limit: limit, bytes: semaphore.NewWeighted(limit)}
}

// Limit is the bound in bytes.
func (m *Memory) Limit() int64 { return m.limit }

// Acquire waits until n bytes are free. What is larger than the whole bound gets all of it, so that a single
// large document passes alone. The amount to give back is returned.
func (m *Memory) Acquire(ctx context.Context, n int64) (int64, error) {
	n = min(n, m.limit)
	return n, m.bytes.Acquire(ctx, n)
}

// TryAcquire is Acquire without waiting.
func (m *Memory) TryAcquire(n int64) (int64, bool) {
	n = min(n, m.limit)
	return n, m.bytes.TryAcquire(n)
}

// Release gives n bytes back.
func (m *Memory) Release(n int64) { m.bytes.Release(n) }
