package runner

import (
	"context"
	"errors"
	"sync"
)

// opener keeps what was opened by its connection's name. Two connections are opened at the same time, one of
// them only once.
type opener[T any] struct {
	open func(ctx context.Context, connection string) (T, error)

	mu     sync.Mutex
	opened map[string]*opening[T]
}

type opening[T any] struct {
	done  chan struct{} // closed when the fields below are set
	value T
	err   error
}

func newOpener[T any](open func(ctx context.Context, connection string) (T, error)) *opener[T] {
	return &opener[T]{open: open, opened: map[string]*opening[T]{}}
}

// get returns the connection, opened at its first use. A failure is not kept: the next attempt may find the
// server up.
func (o *opener[T]) get(ctx context.Context, connection string) (T, error) {
	for {
		o.mu.Lock()
		found, ok := o.opened[connection]
		if !ok {
			found = &opening[T]{done: make(chan struct{})}
			o.opened[connection] = found
		}
		o.mu.Unlock()
		if !ok {
			found.value, found.err = o.open(ctx, connection)
			if found.err != nil {
				o.mu.Lock()
				delete(o.opened, connection)
				o.mu.Unlock()
			}
			close(found.done)
			return found.value, found.err
		}
		select {
		case <-found.done:
			if errors.Is(found.err, context.Canceled) && ctx.Err() == nil {
				continue // it was another's wish to end
			}
			return found.value, found.err
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}

// values returns everything that is open, in no order. What is being opened is not.
func (o *opener[T]) values() []T {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []T
	for _, one := range o.opened {
		select {
		case <-one.done:
			if one.err == nil {
				list = append(list, one.value)
			}
		default:
		}
	}
	return list
}
