package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"vida/endpoint"
)

// brokenFeed fails as a read does whose connection was closed while the run is asked to stop.
type brokenFeed struct{ stop func() }

func (brokenFeed) expected() int64 { return 1 }

func (f brokenFeed) next(context.Context) (parcel, error) {
	f.stop()
	return parcel{}, fmt.Errorf("read a.b: %w: %w", endpoint.ErrStopping, io.EOF)
}

// A connection that ended is not the end of a range: the unit is not done.
func TestABrokenConnectionIsNotTheEndOfARange(t *testing.T) {
	halt := make(chan struct{})
	flow := pipeline{
		memory: endpoint.NewMemory(100), task: haltedTask{halt: halt},
		newDeliverer: func() (deliverer, error) { return nothingDelivered{}, nil },
	}
	if _, err := flow.run(context.Background(), brokenFeed{stop: func() { close(halt) }}, Counts{}); !errors.Is(err, ErrStopped) {
		t.Errorf("the unit ended with %v", err)
	}
}

type haltedTask struct {
	Task
	halt chan struct{}
}

func (t haltedTask) Stopping() <-chan struct{} { return t.halt }

type nothingDelivered struct{}

func (nothingDelivered) deliver(context.Context, parcel) (Counts, []Reject, error) {
	return Counts{}, nil, nil
}
func (nothingDelivered) close() {}
