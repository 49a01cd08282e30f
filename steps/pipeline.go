package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
)

// parcel is a batch on its way to the target.
type parcel struct {
	number    int64
	to        string // the collection, where those of a unit go to several
	documents []bson.Raw
	array     endpoint.Array  // what the documents are slices of; nil where they are not of one
	bytes     int64           // taken from Memory
	usage     endpoint.Usage  // what reading it cost
	state     json.RawMessage // the unit's checkpoint once this parcel and all before it have arrived; nil where none can be
}

// feed is where a unit's parcels come from: a cursor, or the generator. Used by one goroutine.
type feed interface {
	// expected is how many bytes the next parcel will take, as far as one can tell.
	expected() int64
	// next returns the next parcel, or endpoint.ErrEnd.
	next(ctx context.Context) (parcel, error)
}

// deliverer brings parcels to the target. Used by one goroutine.
type deliverer interface {
	deliver(ctx context.Context, p parcel) (Counts, []Reject, error)
	close()
}

const (
	// Parcels of one unit that are being written at the same time.
	writersPerUnit = 2
	// Parcels that may have been sent without being covered by a checkpoint, for each writer: while one waits for the
	// target, those after it land. What is in here is sent again after a kill.
	uncoveredPerWriter = 2
)

// pipeline moves a unit's parcels from its feed to the target, several in flight, and saves a checkpoint each
// time the parcels without a gap before them have grown: a checkpoint never runs ahead of an acknowledgement.
type pipeline struct {
	memory       *endpoint.Memory
	task         Task
	newDeliverer func() (deliverer, error)
	writers      int // parcels that are being written at the same time; 0: writersPerUnit

	uncovered chan struct{} // holds one entry for each parcel handed out and not covered by a checkpoint
	halted    chan struct{} // closed when a parcel was given up because the run is stopping
	halt      func()

	mu      sync.Mutex
	arrived map[int64]arrival // out of order
	next    int64             // the first parcel that has not arrived
	counts  Counts
	rejects []Reject // of parcels without a checkpoint, for the next one
}

type arrival struct {
	counts  Counts
	rejects []Reject
	state   json.RawMessage
}

// run returns the unit's totals, counts of earlier attempts included, or ErrStopped.
func (p *pipeline) run(ctx context.Context, source feed, earlier Counts) (Counts, error) {
	p.arrived, p.counts = map[int64]arrival{}, earlier
	writers := cmp.Or(p.writers, writersPerUnit)
	p.uncovered, p.halted = make(chan struct{}, uncoveredPerWriter*writers), make(chan struct{})
	p.halt = sync.OnceFunc(func() { close(p.halted) })
	group, ctx := errgroup.WithContext(ctx)
	parcels := make(chan parcel)
	stopped, unread := false, error(nil)
	group.Go(func() error {
		defer close(parcels)
		stopped, unread = p.read(ctx, source, parcels)
		return nil // what is in flight lands, whatever there is to be said of reading
	})
	for range writers {
		group.Go(func() error { return p.write(ctx, parcels) })
	}
	err := group.Wait()
	if err == nil {
		err = unread
	}
	if err == nil && (stopped || p.gaveUp()) {
		err = ErrStopped
	}
	return p.counts, err
}

func (p *pipeline) gaveUp() bool {
	select {
	case <-p.halted:
		return true
	default:
		return false
	}
}

func (p *pipeline) read(ctx context.Context, source feed, parcels chan<- parcel) (stopped bool, err error) {
	reading, release := stoppable(ctx, p.task) // a read has nothing that would have to land
	defer release()
	for number := int64(0); ; number++ {
		expected := source.expected()
		if err := p.memory.Acquire(reading, expected); err != nil {
			return p.stopOr(ctx, err)
		}
		next, err := source.next(reading)
		if err != nil {
			p.memory.Release(expected)
			if errors.Is(err, endpoint.ErrEnd) {
				return false, nil
			}
			return p.stopOr(ctx, err)
		}
		p.memory.Adjust(expected, next.bytes)
		next.number = number
		if err := p.handOut(reading, next, parcels); err != nil {
			p.memory.Release(next.bytes)
			return p.stopOr(ctx, err)
		}
	}
}

// stopOr tells whether an error of reading is but the answer to having been asked to stop.
func (p *pipeline) stopOr(ctx context.Context, err error) (stopped bool, _ error) {
	if ctx.Err() == nil && (stopping(p.task) || p.gaveUp()) {
		return true, nil
	}
	return false, err
}

// handOut gives a parcel to a writer once there are few enough without a checkpoint.
func (p *pipeline) handOut(ctx context.Context, next parcel, parcels chan<- parcel) error {
	select {
	case p.uncovered <- struct{}{}:
	case <-p.halted:
		return endpoint.ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case parcels <- next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
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
		if errors.Is(err, endpoint.ErrStopping) {
			p.halt() // this one is read again by the next run; what others have in flight may land
			continue
		}
		if err != nil {
			return err
		}
		if accounted := counts.Accounted(); accounted != counts.Read || counts.Read != int64(len(next.documents)) {
			return fmt.Errorf("internal error: the books do not balance: a batch of %d documents, read %d, accounted for %d", len(next.documents), counts.Read, accounted)
		}
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
	covered := 0
	for {
		a, ok := p.arrived[p.next]
		if !ok {
			break
		}
		delete(p.arrived, p.next)
		p.next++
		covered++
		p.counts = p.counts.Plus(a.counts)
		checkpoint.State = a.state
		p.rejects = append(p.rejects, a.rejects...)
	}
	defer func() {
		for range covered {
			<-p.uncovered
		}
	}()
	if checkpoint.State == nil {
		return nil
	}
	checkpoint.Counts, checkpoint.Rejects, p.rejects = p.counts, p.rejects, nil
	return p.task.Save(checkpoint)
}
