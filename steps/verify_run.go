package steps

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
)

// Both sides are read at the same time, each in the order of _id, and compared document by document as they come:
// nothing is looked up as long as they are in step. From the first document on that is not like its counterpart, what
// is left of the source's batch is looked for in what the target has in the range of these (compareChunk), and the two
// are read on in step behind it. So nothing hangs on how a server sorts but the cost, and no more than a batch of each
// side is held, whatever differs.

// stream is what has been read of one side and not been compared.
type stream struct {
	cursor    *endpoint.Cursor // nil: the side is not read
	documents []bson.Raw       // of the source as a copy with the step's filter, set and unset makes them
	last      bson.RawValue    // the _id of the last one read; of the source only
	bytes     int64            // of the batch they are from
	ended     bool
}

// Documents compared between two checkpoints, at least: what a resume reads again.
const verifyCheckpointDocuments = 10_000

// run compares a unit.
func (c *comparison) run(ctx context.Context) error {
	c.last, c.known, c.read = c.at.After.RawValue, c.at.Listed, c.counts.Read
	if !c.work.Range.Resumable() {
		return c.runWhole(ctx)
	}
	if c.work.Blind == blindSource {
		if err := c.compareChunk(ctx, nil, c.last, c.work.Range, false); err != nil {
			return err
		}
		return c.save(bson.RawValue{})
	}
	c.open()
	defer c.close(ctx)
	for {
		if err := c.share(ctx); err != nil {
			return err
		}
		if err := c.fetch(ctx); err != nil {
			return err
		}
		if c.from.ended {
			break
		}
		if err := c.checkpoint(); err != nil {
			return err
		}
		if err := c.compareBatch(ctx); err != nil {
			return err
		}
		if c.work.Limit > 0 && c.read >= c.work.Limit {
			return c.save(bson.RawValue{})
		}
	}
	if err := c.compareRest(ctx); err != nil {
		return err
	}
	return c.save(bson.RawValue{})
}

// open starts to read both sides behind the last document compared.
func (c *comparison) open() {
	c.expected = newSieve(c.spec.Transform)
	c.from = stream{cursor: c.find(c.sourceSide(), c.last, c.work.Range, c.batchDocuments())}
	c.reopenTarget()
}

func (c *comparison) reopenTarget() {
	if c.work.Blind == blindTarget {
		c.to = stream{ended: true}
		return
	}
	c.to = stream{cursor: c.find(c.targetSide(), c.last, c.work.Range, c.batchDocuments())}
}

// rewindTarget forgets what was read of the target and not compared.
func (c *comparison) rewindTarget(ctx context.Context) {
	if c.to.cursor != nil {
		c.to.cursor.Close(ctx)
	}
	c.reopenTarget()
}

func (c *comparison) close(ctx context.Context) {
	for _, s := range []*stream{&c.from, &c.to} {
		if s.cursor != nil {
			s.cursor.Close(ctx)
		}
		*s = stream{ended: true}
	}
	c.env.Memory().Release(c.taken)
	c.taken = 0
}

// batchDocuments is how many documents to ask for at once.
func (c *comparison) batchDocuments() int {
	most := c.env.Tuning().BatchDocuments
	if c.work.Limit > 0 {
		most = int(min(int64(most), c.work.Limit))
	}
	return most
}

// fetch reads the next batch of the source, and of the target where nothing is left of its last one, both at once. It
// waits for memory only while it holds none: units that wait for each other's would wait for ever.
func (c *comparison) fetch(ctx context.Context) error {
	if stopping(c.task) {
		return ErrStopped
	}
	memory := c.env.Memory()
	c.from.documents, c.from.bytes = nil, 0
	if len(c.to.documents) == 0 {
		c.to.documents, c.to.bytes = nil, 0
	}
	memory.Adjust(c.taken, c.to.bytes)
	c.taken = c.to.bytes
	expected := 2 * c.from.cursor.Expected() // a batch of each side
	if !memory.TryAcquire(expected) {
		if c.taken > 0 {
			c.rewindTarget(ctx)
			memory.Release(c.taken)
			c.taken = 0
		}
		if err := memory.Acquire(ctx, expected); err != nil {
			return err
		}
	}
	c.taken += expected
	group, groupContext := errgroup.WithContext(ctx)
	group.Go(func() error { return c.fetchSource(groupContext) })
	if len(c.to.documents) == 0 {
		group.Go(func() error { return c.fetchTarget(groupContext) })
	}
	err := group.Wait()
	c.account()
	return err
}

// account tells the step's memory what is held: a batch of each side, where that of the target stands for what is
// read of it, or written to it, while the source's is compared.
func (c *comparison) account() {
	held := c.from.bytes + max(c.from.bytes, c.to.bytes)
	c.env.Memory().Adjust(c.taken, held)
	c.taken = held
}

func (c *comparison) fetchSource(ctx context.Context) error {
	batch, err := c.from.cursor.Next(ctx)
	if errors.Is(err, endpoint.ErrEnd) {
		c.from.documents, c.from.bytes, c.from.ended = nil, 0, true
		return nil
	}
	if err != nil {
		return err
	}
	c.from.documents, c.from.bytes, c.from.last = c.expected.pass(batch.Documents), batch.Bytes, batch.Last
	c.read += int64(len(batch.Documents))
	reckon(c.task, c.work.Range, c.work.Top, batch)
	c.task.Report(Counts{Read: int64(len(batch.Documents)), Bytes: batch.Bytes, Throttled: batch.Usage.Throttled, Retries: batch.Usage.Retries})
	return nil
}

func (c *comparison) fetchTarget(ctx context.Context) error {
	if c.to.ended {
		return nil
	}
	batch, err := c.to.cursor.Next(ctx)
	if errors.Is(err, endpoint.ErrEnd) {
		c.to.documents, c.to.bytes, c.to.ended = nil, 0, true
		return nil
	}
	if err != nil {
		return err
	}
	c.to.documents, c.to.bytes = batch.Documents, batch.Bytes
	c.task.Report(Counts{Throttled: batch.Usage.Throttled, Retries: batch.Usage.Retries})
	return nil
}

// compareBatch compares the source's batch.
func (c *comparison) compareBatch(ctx context.Context) error {
	documents := c.from.documents
	same, err := c.inStep(ctx, documents)
	if err != nil {
		return err
	}
	apart := same < len(documents)
	if apart {
		same = firstAlike(documents, same) // what has the last _id of those in step is looked at together
	}
	for _, document := range documents[:same] {
		c.counts.Bytes += int64(len(document))
		c.repairedBefore(document)
	}
	c.counts.Read += int64(same)
	c.unsaved += int64(len(documents))
	goesOn := same == 0 && len(documents) > 0 && c.last.Type != 0 && endpoint.SameID(idOf(documents[0]), c.last)
	if same > 0 {
		c.last = endpoint.CloneValue(idOf(documents[same-1]))
	}
	if !apart {
		return nil
	}
	// What the target has in this range is read anew, with all of its batch's memory.
	if err := c.compareChunk(ctx, documents[same:], c.last, upTo(c.work.Range, c.from.last), goesOn); err != nil {
		return err
	}
	c.last = c.from.last
	c.rewindTarget(ctx)
	c.account()
	return nil
}

// inStep takes documents that are the same from both sides, and returns how many.
func (c *comparison) inStep(ctx context.Context, documents []bson.Raw) (int, error) {
	for same := 0; ; {
		n := 0
		for there := c.to.documents; n < len(there) && same < len(documents) && sameDocument(documents[same], there[n]); n++ {
			same++
		}
		c.to.documents = c.to.documents[n:]
		switch {
		case same == len(documents):
			return same, nil
		case len(c.to.documents) > 0:
			if same > 0 || !c.stray() {
				return same, nil
			}
			if err := c.unexpected(idOf(c.to.documents[0])); err != nil {
				return same, err
			}
			c.to.documents = c.to.documents[1:]
		case c.to.ended:
			return same, nil
		default:
			if err := c.fetchTarget(ctx); err != nil {
				return same, err
			}
			c.account()
		}
	}
}

// stray tells whether the next document of the target has the _id of the last one compared, which the source has no
// more of: on a sharded target that can be.
func (c *comparison) stray() bool {
	return len(c.to.documents) > 0 && c.last.Type != 0 && endpoint.SameID(idOf(c.to.documents[0]), c.last)
}

// compareRest compares what the target has above the source's last document.
func (c *comparison) compareRest(ctx context.Context) error {
	if len(c.to.documents) == 0 {
		if err := c.fetchTarget(ctx); err != nil {
			return err
		}
		c.account()
	}
	for c.stray() {
		if err := c.unexpected(idOf(c.to.documents[0])); err != nil {
			return err
		}
		c.to.documents = c.to.documents[1:]
	}
	if len(c.to.documents) == 0 && c.to.ended {
		return nil
	}
	c.close(ctx)
	return c.compareChunk(ctx, nil, c.last, c.work.Range, false)
}

// firstAlike returns the first of the documents with the _id that the one before n has.
func firstAlike(documents []bson.Raw, n int) int {
	if n == 0 {
		return 0
	}
	n--
	for n > 0 && endpoint.SameID(idOf(documents[n-1]), idOf(documents[n])) {
		n--
	}
	return n
}

func idOf(document bson.Raw) bson.RawValue {
	id, _ := endpoint.IDOf(document)
	return id
}

// checkpoint saves, now and then, what was compared before the batches at hand. Reading goes on above an _id, so that
// all of its documents must have been compared.
func (c *comparison) checkpoint() error {
	if c.last.Type == 0 || c.unsaved < verifyCheckpointDocuments && len(c.found)+len(c.extra) < mostListed {
		return nil
	}
	if len(c.from.documents) > 0 && endpoint.SameID(idOf(c.from.documents[0]), c.last) || c.stray() {
		return nil
	}
	return c.save(c.last)
}

// share gives a part of what is left of a unit to another worker.
func (c *comparison) share(ctx context.Context) error {
	if !c.task.SplitWanted() {
		return nil
	}
	if c.work.Limit > 0 {
		c.task.Indivisible()
		return nil
	}
	lower, split, err := splitUnit(ctx, c.source, c.task, c.unit, c.work.From, c.work.Range, c.from.cursor.Last(), func(in endpoint.Range) any {
		part := c.work
		part.Range = in
		return part
	})
	if err != nil || !split {
		return err
	}
	c.work.Range = lower
	c.from.cursor.Shrink(ctx, lower.Below)
	c.rewindTarget(ctx)
	return nil
}

// runWhole compares a range in which reading cannot go on: it is of one value, or of types that are deprecated and
// few.
func (c *comparison) runWhole(ctx context.Context) error {
	var all []bson.Raw
	if c.work.Blind != blindSource {
		expected := newSieve(c.spec.Transform)
		err := c.batches(ctx, c.find(c.sourceSide(), bson.RawValue{}, c.work.Range, comparedDocuments), false, func(b endpoint.Batch) error {
			all = append(all, expected.pass(b.Documents)...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := c.compareChunk(ctx, all, bson.RawValue{}, c.work.Range, false); err != nil {
		return err
	}
	return c.save(bson.RawValue{})
}

// upTo is the part of a range up to and including an _id.
func upTo(in endpoint.Range, last bson.RawValue) endpoint.Range {
	in.Below, in.Through = endpoint.Value{}, endpoint.Value{RawValue: last}
	return in
}
