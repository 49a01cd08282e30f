package steps

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// digest is what a set of documents comes to, in whatever order they are read.
type digest struct {
	documents int64
	bytes     int64
	sum       uint64
	mixed     uint64
}

func (d *digest) add(document bson.Raw, scratch []byte) []byte {
	canonical, scratch := canonicalForm(document, scratch)
	h := xxhash.Sum64(canonical)
	d.documents++
	d.bytes += int64(len(document))
	d.sum += h
	h *= 0x9e3779b97f4a7c15
	d.mixed += h ^ h>>29
	return scratch
}

// canonicalForm has _id first, where servers move it, and else the bytes as they are stored.
func canonicalForm(document bson.Raw, scratch []byte) (canonical, reuse []byte) {
	if len(document) > 9 && document[5] == '_' && document[6] == 'i' && document[7] == 'd' && document[8] == 0 {
		return document, scratch
	}
	rest, id, ok := withoutID(document)
	if !ok || id == nil {
		return document, scratch
	}
	scratch = binary.LittleEndian.AppendUint32(scratch[:0], uint32(len(document)))
	scratch = append(scratch, id...)
	scratch = append(scratch, rest...)
	return append(scratch, 0), scratch
}

// comparison compares both sides of one range: first as digests, then, where these differ, by document.
type comparison struct {
	env    Env
	spec   *plans.VerifyContentSpec
	work   verifyUnit
	source *endpoint.Reader
	target *endpoint.Reader
	task   Task

	counts      Counts
	differences []Reject
}

// Documents of the source that are held at a time to look for them in the target.
const comparedDocuments = 1000

// Differences of one unit that are kept by _id; all of them are counted.
const mostListed = 1000

func (c *comparison) sourceSide() side { return side{c.source, c.work.From} }
func (c *comparison) targetSide() side { return side{c.target, c.work.To} }

func (c *comparison) run(ctx context.Context) (Result, error) {
	source, target, err := c.digests(ctx)
	if err != nil {
		return Result{}, err
	}
	c.counts.Read, c.counts.Bytes = source.documents, source.bytes
	if source == target {
		return Result{Counts: c.counts}, nil
	}
	if err := c.byDocument(ctx); err != nil {
		return Result{}, err
	}
	if err := c.task.Save(Checkpoint{Counts: c.counts, Rejects: c.differences}); err != nil {
		return Result{}, err
	}
	return Result{Counts: c.counts}, nil
}

// batches calls visit for each batch of a cursor. bounded takes the bytes from the step's memory; what is read
// while another batch is held does not, or two units could wait for one another.
func (c *comparison) batches(ctx context.Context, cursor *endpoint.Cursor, bounded bool, visit func(endpoint.Batch) error) error {
	defer cursor.Close(ctx)
	for {
		select {
		case <-c.task.Stopping():
			return ErrStopped
		default:
		}
		err := c.batch(ctx, cursor, bounded, visit)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, endpoint.ErrStopping):
			return ErrStopped
		case err != nil:
			return err
		}
	}
}

func (c *comparison) batch(ctx context.Context, cursor *endpoint.Cursor, bounded bool, visit func(endpoint.Batch) error) error {
	if !bounded {
		batch, err := cursor.Next(ctx)
		if err != nil {
			return err
		}
		return visit(batch)
	}
	memory, taken := c.env.Memory(), cursor.Expected()
	if err := memory.Acquire(ctx, taken); err != nil {
		return err
	}
	defer func() { memory.Release(taken) }()
	batch, err := cursor.Next(ctx)
	if err != nil {
		return err
	}
	memory.Adjust(taken, batch.Bytes)
	taken = batch.Bytes
	return visit(batch)
}

func (c *comparison) digest(ctx context.Context, s side, report bool) (digest, error) {
	var d digest
	var scratch []byte
	err := c.batches(ctx, c.find(s, bson.RawValue{}, c.work.Range, c.env.Step().Tuning.BatchDocuments), true, func(b endpoint.Batch) error {
		for _, document := range b.Documents {
			scratch = d.add(document, scratch)
		}
		if report {
			c.task.Report(Counts{Read: int64(len(b.Documents)), Bytes: b.Bytes})
		}
		return nil
	})
	return d, err
}

// byDocument walks the source in chunks, and looks at everything that the target has in each chunk's range.
func (c *comparison) byDocument(ctx context.Context) error {
	if c.work.Range.Bracket == endpoint.BracketOther {
		return c.atOnce(ctx)
	}
	var last bson.RawValue
	cursor := c.find(c.sourceSide(), last, c.work.Range, comparedDocuments)
	err := c.batches(ctx, cursor, true, func(b endpoint.Batch) error {
		upTo := c.work.Range
		upTo.Below, upTo.Through = endpoint.Value{}, endpoint.Value{RawValue: b.Last}
		err := c.compareChunk(ctx, b.Documents, last, upTo)
		last = b.Last
		return err
	})
	if err != nil {
		return err
	}
	return c.compareChunk(ctx, nil, last, c.work.Range) // what the target has above the source's last _id
}

// atOnce is byDocument for the types of _id by which a range cannot be cut. They are deprecated and few.
func (c *comparison) atOnce(ctx context.Context) error {
	var all []bson.Raw
	cursor := c.find(c.sourceSide(), bson.RawValue{}, c.work.Range, comparedDocuments)
	err := c.batches(ctx, cursor, false, func(b endpoint.Batch) error {
		all = append(all, b.Documents...)
		return nil
	})
	if err != nil {
		return err
	}
	return c.compareChunk(ctx, all, bson.RawValue{}, c.work.Range)
}

// compareChunk compares some documents of the source with all that the target has in their range.
func (c *comparison) compareChunk(ctx context.Context, documents []bson.Raw, after bson.RawValue, in endpoint.Range) error {
	expected := make(map[string]bson.Raw, len(documents))
	for _, document := range documents {
		id, _ := endpoint.IDOf(document)
		key := identityKey(id)
		if _, twice := expected[key]; twice {
			c.counts.Differing++
			c.list(id, "the source has more than one document with this _id")
			continue
		}
		expected[key] = document
	}
	var repair []bson.Raw
	err := c.batches(ctx, c.find(c.targetSide(), after, in, comparedDocuments), false, func(b endpoint.Batch) error {
		for _, there := range b.Documents {
			id, _ := endpoint.IDOf(there)
			key := identityKey(id)
			document, ok := expected[key]
			delete(expected, key)
			switch {
			case !ok:
				c.counts.Unexpected++
				c.list(id, "unexpected: only the target has this document")
			case !sameDocument(document, there):
				c.counts.Differing++
				c.list(id, "differs")
				repair = append(repair, document)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, document := range documents { // in their order
		id, _ := endpoint.IDOf(document)
		if _, missing := expected[identityKey(id)]; missing {
			delete(expected, identityKey(id))
			c.counts.Missing++
			c.list(id, "missing in the target")
			repair = append(repair, document)
		}
	}
	if !c.spec.Repair || len(repair) == 0 {
		return nil
	}
	return c.repair(ctx, repair)
}

func (c *comparison) list(id bson.RawValue, message string) {
	if len(c.differences) < mostListed {
		c.differences = append(c.differences, Reject{Namespace: c.target.Namespace(c.work.To), ID: endpoint.IDText(id), Message: message})
	}
}

// repair brings documents to the target and looks at them again.
func (c *comparison) repair(ctx context.Context, documents []bson.Raw) error {
	writer, err := c.env.Writer(ctx, c.spec.To)
	if err != nil {
		return err
	}
	d := &delivery{writer: writer, inserter: writer.NewInserter(c.work.To, c.task.Stopping()), collection: c.work.To, onConflict: plans.ConflictReplace}
	defer d.close()
	_, rejects, err := d.deliver(ctx, parcel{documents: documents})
	if err != nil {
		return err
	}
	c.differences = append(c.differences, rejects...)
	ids := make([]bson.RawValue, 0, len(documents))
	for _, document := range documents {
		id, _ := endpoint.IDOf(document)
		ids = append(ids, id)
	}
	found, err := c.target.FindByID(ctx, c.work.To, ids)
	if err != nil {
		return err
	}
	there := make(map[string]bson.Raw, len(found))
	for _, document := range found {
		id, _ := endpoint.IDOf(document)
		there[identityKey(id)] = document
	}
	for n, document := range documents {
		if present, ok := there[identityKey(ids[n])]; ok && sameDocument(document, present) {
			c.counts.Repaired++
		}
	}
	return nil
}
