package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
)

// parcel is a batch on its way to the target.
type parcel struct {
	number    int64
	documents []bson.Raw
	bytes     int64           // taken from Memory
	usage     endpoint.Usage  // what reading it cost
	state     json.RawMessage // the unit's checkpoint once this parcel and all before it have arrived
}

// feed is where a unit's parcels come from: a cursor, or the generator. Used by one goroutine.
type feed interface {
	// expected is how many bytes the next parcel will take, as far as one can tell.
	expected() int64
	// next returns the next parcel, or io.EOF.
	next(ctx context.Context) (parcel, error)
}

// deliverer brings parcels to the target. Used by one goroutine.
type deliverer interface {
	deliver(ctx context.Context, p parcel) (Counts, []Reject, error)
	close()
}

// Parcels of one unit that are being written at the same time.
const writersPerUnit = 2

// pipeline moves a unit's parcels from its feed to the target, several in flight, and saves a checkpoint each
// time the parcels without a gap before them have grown: a checkpoint never runs ahead of an acknowledgement.
type pipeline struct {
	memory       *endpoint.Memory
	task         Task
	newDeliverer func() (deliverer, error)

	mu      sync.Mutex
	arrived map[int64]arrival // out of order
	next    int64             // the first parcel that has not arrived
	counts  Counts
}

type arrival struct {
	counts  Counts
	rejects []Reject
	state   json.RawMessage
}

// run returns the unit's totals, counts of earlier attempts included, or ErrStopped.
func (p *pipeline) run(ctx context.Context, source feed, earlier Counts) (Counts, error) {
	p.arrived, p.counts = map[int64]arrival{}, earlier
	group, ctx := errgroup.WithContext(ctx)
	parcels := make(chan parcel)
	stopped := false
	group.Go(func() error {
		defer close(parcels)
		var err error
		stopped, err = p.read(ctx, source, parcels)
		return err
	})
	for range writersPerUnit {
		group.Go(func() error { return p.write(ctx, parcels) })
	}
	err := group.Wait()
	if errors.Is(err, endpoint.ErrStopping) || err == nil && stopped {
		err = ErrStopped
	}
	return p.counts, err
}

func (p *pipeline) read(ctx context.Context, source feed, parcels chan<- parcel) (stopped bool, err error) {
	for number := int64(0); ; number++ {
		select {
		case <-p.task.Stopping():
			return true, nil
		default:
		}
		expected := source.expected()
		if err := p.memory.Acquire(ctx, expected); err != nil {
			return false, err
		}
		next, err := source.next(ctx)
		if err != nil {
			p.memory.Release(expected)
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		p.memory.Adjust(expected, next.bytes)
		next.number = number
		select {
		case parcels <- next:
		case <-ctx.Done():
			p.memory.Release(next.bytes)
			return false, ctx.Err()
		}
	}
}

func (p *pipeline) write(ctx context.Context, parcels <-chan parcel) error {
	to, err := p.newDeliverer()
	if err != nil {
		return err
	}
	defer to.close()
	for next := range parcels {
		counts, rejects, err := to.deliver(ctx, next)
		p.memory.Release(next.bytes)
		if err != nil {
			return err
		}
		counts.RequestUnits += next.usage.RequestUnits
		counts.Throttled += next.usage.Throttled
		counts.Retries += next.usage.Retries
		if err := p.acknowledge(next, arrival{counts, rejects, next.state}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline) acknowledge(parcel parcel, a arrival) error {
	p.task.Report(a.counts)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[parcel.number] = a
	var checkpoint Checkpoint
	for {
		a, ok := p.arrived[p.next]
		if !ok {
			break
		}
		delete(p.arrived, p.next)
		p.next++
		p.counts = p.counts.Plus(a.counts)
		checkpoint.State = a.state
		checkpoint.Rejects = append(checkpoint.Rejects, a.rejects...)
	}
	if checkpoint.State == nil {
		return nil
	}
	checkpoint.Counts = p.counts
	if err := p.task.Save(checkpoint); err != nil {
		return fmt.Errorf("save a checkpoint: %w", err)
	}
	return nil
}
