package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// comparison compares both sides of one unit: first as digests, then, where these differ, by document.
type comparison struct {
	env    Env
	spec   *plans.VerifyContentSpec
	work   verifyUnit
	unit   Unit
	source *endpoint.Reader
	target *endpoint.Reader
	task   Task

	at     verifyCheckpoint
	counts Counts
	saved  Counts   // at the last checkpoint
	found  []Reject // since the last checkpoint
	extra  []Reject // the unexpected ones, which may be stored before it
	known  int64    // unexpected documents still to come that a checkpoint has listed before
}

const (
	// Documents of the source that are held at a time to look for them in the target.
	comparedDocuments = 1000
	// Unexpected documents that are held at a time; there may be millions between two documents of the source.
	mostListed = 2000
)

// side is one of the two places a comparison reads.
type side struct {
	reader     *endpoint.Reader
	collection string
}

func (c *comparison) sourceSide() side { return side{c.source, c.work.From} }
func (c *comparison) targetSide() side { return side{c.target, c.work.To} }

func (c *comparison) find(s side, after bson.RawValue, in endpoint.Range, documents int) *endpoint.Cursor {
	find := endpoint.Find{
		Collection:     s.collection,
		Range:          in,
		After:          after,
		BatchDocuments: documents,
		BatchBytes:     c.env.Step().Tuning.BatchBytes,
		Stopping:       c.task.Stopping(),
	}
	if c.spec.Query != nil {
		find.Queries = []bson.Raw{c.spec.Query}
	}
	return s.reader.Find(find)
}

// batches calls visit for each batch of a cursor. times is how often its bytes are taken from the step's memory.
func (c *comparison) batches(ctx context.Context, cursor *endpoint.Cursor, times int64, visit func(endpoint.Batch) error) error {
	defer cursor.Close(ctx)
	for {
		err := c.batch(ctx, cursor, times, visit)
		if errors.Is(err, endpoint.ErrEnd) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *comparison) batch(ctx context.Context, cursor *endpoint.Cursor, times int64, visit func(endpoint.Batch) error) error {
	select {
	case <-c.task.Stopping():
		return ErrStopped
	default:
	}
	memory, taken := c.env.Memory(), times*cursor.Expected()
	if times > 0 {
		if err := memory.Acquire(ctx, taken); err != nil {
			return err
		}
		defer func() { memory.Release(taken) }()
	}
	batch, err := cursor.Next(ctx)
	if err != nil {
		return err
	}
	if times > 0 {
		memory.Adjust(taken, times*batch.Bytes)
		taken = times * batch.Bytes
	}
	return visit(batch)
}

// drillDown compares a segment by document. Each chunk of the source is compared with everything that the target
// has in the chunk's range, so that what only the target has is found too.
func (c *comparison) drillDown(ctx context.Context, s segment) error {
	c.known = c.at.Listed
	last := s.after
	if !s.in.Resumable() {
		return c.atOnce(ctx, s)
	}
	if c.work.Blind != blindSource {
		// What is read of the target meanwhile is taken from the memory with it: a chunk that waited for more
		// while it holds some could wait for another one that does the same.
		expected := newSieve(c.spec.Transform)
		err := c.batches(ctx, c.find(c.sourceSide(), s.after, s.in, comparedDocuments), 2, func(b endpoint.Batch) error {
			first, _ := endpoint.IDOf(b.Documents[0])
			goesOn := last.Type != 0 && endpoint.SameID(first, last)
			if !goesOn && !endpoint.SameValue(last, s.after) { // all documents with the last _id have been compared
				if err := c.save(last); err != nil {
					return err
				}
			}
			err := c.compareChunk(ctx, expected.pass(b.Documents), last, upTo(s.in, b.Last), goesOn)
			last = b.Last
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.compareChunk(ctx, nil, last, s.in, false) // what the target has above the source's last _id
}

// atOnce is drillDown where a range cannot be cut: it is of one value, or of types that are deprecated and few.
func (c *comparison) atOnce(ctx context.Context, s segment) error {
	var all []bson.Raw
	if c.work.Blind != blindSource {
		expected := newSieve(c.spec.Transform)
		err := c.batches(ctx, c.find(c.sourceSide(), s.after, s.in, comparedDocuments), 0, func(b endpoint.Batch) error {
			all = append(all, expected.pass(b.Documents)...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.compareChunk(ctx, all, s.after, s.in, false)
}

// difference is a document of the source that the target does not have, or has otherwise.
type difference struct {
	document bson.Raw
	outcome  string
	message  string
	twin     bool // shares its _id with others of the source, so that it cannot be repaired
}

// compareChunk compares some documents of the source with all that the target has in their range. continued tells
// that the first of them may share their _id with the last of the chunk before.
func (c *comparison) compareChunk(ctx context.Context, documents []bson.Raw, after bson.RawValue, in endpoint.Range, continued bool) error {
	expected := make(map[string][]bson.Raw, len(documents))
	var found []difference
	for _, document := range documents {
		c.counts.Read++
		c.counts.Bytes += int64(len(document))
		id, _ := endpoint.IDOf(document)
		if continued && endpoint.SameID(id, after) {
			found = append(found, difference{document, OutcomeDiffering, "the source has more documents with this _id, which is unique only within a shard key", true})
			continue
		}
		key := endpoint.IDKey(id)
		expected[key] = append(expected[key], document)
	}
	if c.work.Blind != blindTarget {
		err := c.batches(ctx, c.find(c.targetSide(), after, in, comparedDocuments), 0, func(b endpoint.Batch) error {
			for _, there := range b.Documents {
				id, _ := endpoint.IDOf(there)
				key := endpoint.IDKey(id)
				twins, ok := expected[key]
				delete(expected, key)
				if !ok {
					if err := c.unexpected(id); err != nil {
						return err
					}
					continue
				}
				found = append(found, c.against(twins, there)...)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, document := range documents { // in their order
		id, _ := endpoint.IDOf(document)
		key := endpoint.IDKey(id)
		twins := expected[key]
		delete(expected, key)
		for _, twin := range twins {
			found = append(found, difference{twin, OutcomeMissing, "missing in the target" + shared(twins), len(twins) > 1})
		}
	}
	return c.conclude(ctx, found)
}

// against compares the documents of the source that have one _id with the target's.
func (c *comparison) against(twins []bson.Raw, there bson.Raw) []difference {
	var found []difference
	arrived := false
	for _, twin := range twins {
		if !arrived && sameDocument(twin, there) {
			arrived = true
			if len(twins) > 1 {
				found = append(found, difference{twin, OutcomeIdentical, "this is the one that the target has" + shared(twins), true})
			}
			continue
		}
		found = append(found, difference{twin, OutcomeDiffering, "the target has another document with this _id" + shared(twins), len(twins) > 1})
	}
	return found
}

func shared(twins []bson.Raw) string {
	if len(twins) < 2 {
		return ""
	}
	return fmt.Sprintf("; the source has %d documents with this _id, which is unique only within a shard key", len(twins))
}

// conclude counts and lists differences, mended where the plan says so.
func (c *comparison) conclude(ctx context.Context, found []difference) error {
	for _, d := range found {
		if d.outcome != OutcomeIdentical {
			c.counts.count(d.outcome, 1)
		}
	}
	if c.spec.Repair {
		if err := c.repair(ctx, found); err != nil {
			return err
		}
	}
	for _, d := range found {
		id, _ := endpoint.IDOf(d.document)
		c.found = append(c.found, c.listed(id, d.outcome, d.message))
	}
	return nil
}

func (c *comparison) listed(id bson.RawValue, outcome, message string) Reject {
	return Reject{Outcome: outcome, Origin: c.work.From, Namespace: c.target.Namespace(c.work.To), ID: endpoint.IDText(id), Message: message}
}

// unexpected counts and lists a document that only the target has, and stores the list when it has grown: with the
// checkpoint as it stands, which then says how many of them are known.
func (c *comparison) unexpected(id bson.RawValue) error {
	c.counts.Unexpected++
	if c.known > 0 {
		c.known--
		return nil
	}
	c.extra = append(c.extra, c.listed(id, OutcomeUnexpected, "only the target has this document"))
	c.at.Listed++
	if len(c.extra) < mostListed || !c.work.Range.Resumable() {
		return nil
	}
	extra := c.extra
	c.extra = nil
	return c.store(c.saved, extra) // the counts go with the next _id
}

// save makes what has been compared up to and including an _id durable; Type 0: the whole unit.
func (c *comparison) save(last bson.RawValue) error {
	c.at = verifyCheckpoint{After: endpoint.Value{RawValue: last}, Done: last.Type == 0}
	c.saved, c.known = c.counts, 0
	list := append(c.found, c.extra...)
	c.found, c.extra = nil, nil
	return c.store(c.counts, list)
}

func (c *comparison) store(counts Counts, list []Reject) error {
	state, err := json.Marshal(c.at)
	if err != nil {
		return err
	}
	if err := c.task.Save(Checkpoint{State: state, Counts: counts, Rejects: list}); err != nil {
		return fmt.Errorf("save a checkpoint: %w", err)
	}
	return nil
}
