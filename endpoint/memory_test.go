package endpoint

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMemoryIsNeverOverrunByRequests(t *testing.T) {
	const limit = 1000
	m := NewMemory(limit)
	var used atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 500 {
				n := rand.Int64N(400) + 1
				if err := m.Acquire(context.Background(), n); err != nil {
					t.Error(err)
					return
				}
				if now := used.Add(n); now > limit {
					t.Errorf("%d of %d bytes", now, limit)
				}
				used.Add(-n)
				m.Release(n)
			}
		})
	}
	group.Wait()
	if m.Used() != 0 {
		t.Errorf("%d bytes were not given back", m.Used())
	}
}

func TestTryAcquireTakesWhatIsFreeAndWaitsForNothing(t *testing.T) {
	m := NewMemory(10)
	if !m.TryAcquire(6) || m.TryAcquire(6) || m.Used() != 6 {
		t.Fatalf("%d of 10 bytes are taken", m.Used())
	}
	waited := make(chan error, 1)
	go func() { waited <- m.Acquire(context.Background(), 10) }()
	for {
		m.mu.Lock()
		waiting := len(m.waiting)
		m.mu.Unlock()
		if waiting == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if m.TryAcquire(1) {
		t.Error("what is free was taken from under who waits")
	}
	m.Release(6)
	if err := <-waited; err != nil || m.Used() != 10 {
		t.Errorf("%d of 10 bytes are taken: %v", m.Used(), err)
	}
}

func TestWhatIsLargerThanTheBoundPassesAlone(t *testing.T) {
	m := NewMemory(100)
	if err := m.Acquire(context.Background(), 500); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := m.Acquire(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one passed: %v", err)
	}
	m.Release(500)
	if err := m.Acquire(context.Background(), 1); err != nil {
		t.Error(err)
	}
}

func TestGivingUpOnMemoryLeavesTheOthersTheirs(t *testing.T) {
	m := NewMemory(100)
	if err := m.Acquire(context.Background(), 60); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	large, small := make(chan error, 1), make(chan error, 1)
	go func() { large <- m.Acquire(ctx, 90) }()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		m.mu.Lock()
		waiting = len(m.waiting)
		m.mu.Unlock()
	}
	go func() { small <- m.Acquire(context.Background(), 30) }() // behind the large one
	cancel()
	if err := <-large; !errors.Is(err, context.Canceled) {
		t.Errorf("large: %v", err)
	}
	if err := <-small; err != nil {
		t.Errorf("small: %v", err)
	}
	if m.Used() != 90 {
		t.Errorf("%d bytes used, want 90", m.Used())
	}
}
