package steps

import (
	"context"
	"errors"

	"github.com/cespare/xxhash/v2"
	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
)

// digest is what a set of documents comes to, in whatever order they are read: their number, their bytes, and the
// sums of two independent hashes of each. Two sets that differ have the same 128 bits of sums once in 10^38 times;
// the data is not chosen by somebody who wants them to, so that a digest needs no secret and no cryptography.
type digest struct {
	documents int64
	bytes     int64
	sums      [2]uint64
}

const secondSeed = 0x9e3779b97f4a7c15

// digester is not safe for concurrent use.
type digester struct {
	second  xxhash.Digest
	scratch []byte
}

func (g *digester) add(d *digest, document bson.Raw) {
	var canonical []byte
	canonical, g.scratch = canonicalForm(document, g.scratch)
	d.documents++
	d.bytes += int64(len(document))
	d.sums[0] += xxhash.Sum64(canonical)
	g.second.ResetWithSeed(secondSeed)
	_, _ = g.second.Write(canonical) // never fails
	d.sums[1] += g.second.Sum64()
}

// segment is a piece of a unit, as the source has it.
type segment struct {
	after bson.RawValue  // Type 0: from the unit's start
	in    endpoint.Range // ends where the segment does
	last  bson.RawValue  // the checkpoint once it has been compared; Type 0: that of the whole unit
	digest
}

// Documents of a segment: what a difference makes be read again, and what a resume reads again.
const segmentDocuments = 10_000

// run compares a unit: the source is read ahead and leads, the target follows segment by segment.
func (c *comparison) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	segments := make(chan segment, 1)
	group.Go(func() error {
		defer close(segments)
		return c.readSource(ctx, segments)
	})
	group.Go(func() error {
		for s := range segments {
			if err := c.compareSegment(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

func (c *comparison) readSource(ctx context.Context, segments chan<- segment) error {
	send := func(s segment) error {
		select {
		case segments <- s:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	work := c.work // shrinks as parts of it are given away
	next := segment{after: c.at.After.RawValue}
	if work.Blind == blindSource {
		next.in = work.Range
		return send(next)
	}
	batch := c.env.Step().Tuning.BatchDocuments
	if work.Limit > 0 {
		batch = int(min(int64(batch), work.Limit))
	}
	cursor := c.find(c.sourceSide(), next.after, work.Range, batch)
	defer cursor.Close(ctx)
	var hash digester
	expected := newSieve(c.spec.Transform)
	read := int64(0)
	for {
		if c.task.SplitWanted() {
			if err := c.share(ctx, &work, cursor); err != nil {
				return err
			}
		}
		err := c.batch(ctx, cursor, 1, func(b endpoint.Batch) error {
			first, _ := endpoint.IDOf(b.Documents[0])
			// A segment ends only between two _ids: those that share one are looked at together.
			if next.last.Type != 0 && !endpoint.SameID(first, next.last) && (work.Limit > 0 && read >= work.Limit || next.documents >= segmentDocuments) {
				next.in = upTo(work.Range, next.last)
				if err := send(next); err != nil {
					return err
				}
				if work.Limit > 0 && read >= work.Limit {
					return endpoint.ErrEnd
				}
				next = segment{after: next.last}
			}
			for _, document := range expected.pass(b.Documents) {
				hash.add(&next.digest, document)
			}
			if work.Range.Resumable() {
				next.last = b.Last
			}
			read += int64(len(b.Documents))
			c.task.Report(Counts{Read: int64(len(b.Documents)), Bytes: b.Bytes, Throttled: b.Usage.Throttled, Retries: b.Usage.Retries})
			return nil
		})
		switch {
		case !errors.Is(err, endpoint.ErrEnd):
			if err != nil {
				return err
			}
		case work.Limit > 0 && read >= work.Limit && next.in.Bracket != "":
			return nil // sent, and enough
		default:
			next.in, next.last = work.Range, bson.RawValue{}
			return send(next)
		}
	}
}

// share gives a part of what is left of a unit to another worker.
func (c *comparison) share(ctx context.Context, work *verifyUnit, cursor *endpoint.Cursor) error {
	if work.Limit > 0 {
		c.task.Indivisible()
		return nil
	}
	lower, split, err := splitUnit(ctx, c.source, c.task, c.unit, work.From, work.Range, cursor.Last(), func(in endpoint.Range) any {
		part := *work
		part.Range = in
		return part
	})
	if err != nil || !split {
		return err
	}
	work.Range = lower
	cursor.Shrink(ctx, lower.Below)
	return nil
}

// upTo is the part of a range up to and including an _id.
func upTo(in endpoint.Range, last bson.RawValue) endpoint.Range {
	in.Below, in.Through = endpoint.Value{}, endpoint.Value{RawValue: last}
	return in
}

// compareSegment reads what the target has in a segment's range.
func (c *comparison) compareSegment(ctx context.Context, s segment) error {
	var there digest
	if c.work.Blind != blindTarget {
		var hash digester
		err := c.batches(ctx, c.find(c.targetSide(), s.after, s.in, c.env.Step().Tuning.BatchDocuments), 1, func(b endpoint.Batch) error {
			for _, document := range b.Documents {
				hash.add(&there, document)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if there == s.digest {
		c.counts.Read += s.documents
		c.counts.Bytes += s.bytes
	} else if err := c.drillDown(ctx, s); err != nil {
		return err
	}
	return c.save(s.last)
}
