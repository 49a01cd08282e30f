package endpoint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ErrStopping is returned instead of waiting for another attempt once the run has been asked to stop.
var ErrStopping = errors.New("stopped while waiting for the server")

// untilStopping returns a context that ends as well when stopping is closed. release must be called.
func untilStopping(ctx context.Context, stopping <-chan struct{}) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	if stopping == nil {
		return ctx, cancel
	}
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		watcher.Wait()
	}
}

// patience decides whether and when to try again. Any progress renews it.
type patience struct {
	retry    Retry
	stopping <-chan struct{}
	attempt  int
	since    time.Time // of the first failure without progress after it
}

func newPatience(retry Retry, stopping <-chan struct{}) *patience {
	if retry.Initial <= 0 {
		retry.Initial = 100 * time.Millisecond
	}
	if retry.Max < retry.Initial {
		retry.Max = retry.Initial
	}
	return &patience{retry: retry, stopping: stopping}
}

// progress is called when something got through.
func (p *patience) progress() { p.attempt = 0 }

// wait sleeps before the next attempt, with full jitter and no less than what the server asked for. It returns
// cause, wrapped, when patience is at its end or the run is stopping.
func (p *patience) wait(ctx context.Context, cause error) error {
	now := time.Now()
	if p.attempt == 0 {
		p.since = now
	}
	if waited := now.Sub(p.since); waited >= p.retry.For {
		return fmt.Errorf("no progress for %s in %d attempts: %w", waited.Round(time.Second), p.attempt+1, cause)
	}
	ceiling := p.retry.Initial << min(p.attempt, 20)
	if ceiling > p.retry.Max || ceiling <= 0 {
		ceiling = p.retry.Max
	}
	p.attempt++
	pause := ceiling/4 + rand.N(ceiling*3/4+1)
	// A server that asks for longer than the whole patience is taken at that: days would look like a hang.
	if asked := min(retryAfter(cause.Error()), p.retry.For); asked > 0 {
		pause = asked + rand.N(asked/4+time.Millisecond)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.stopping:
		return fmt.Errorf("%w: %w", ErrStopping, cause)
	case <-ctx.Done():
		return ctx.Err()
	}
}
