package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// comparison compares both sides of one unit.
type comparison struct {
	env    Env
	spec   *plans.VerifyContentSpec
	work   verifyUnit // its range shrinks as parts of it are given away
	unit   Unit
	source *endpoint.Reader
	target *endpoint.Reader
	task   Task

	from, to stream
	expected sieve
	last     bson.RawValue // everything up to and including this _id has been compared; Type 0: nothing yet
	taken    int64         // of the step's memory
	read     int64         // documents of the source

	intended map[string]bool // by the _id's text: documents that earlier attempts may have repaired without telling

	at      verifyCheckpoint
	counts  Counts
	saved   Counts   // at the last checkpoint
	unsaved int64    // documents compared since
	found   []Reject // since the last checkpoint
	extra   []Reject // the unexpected ones, which may be stored before it
	known   int64    // unexpected documents still to come that a checkpoint has listed before
}

const (
	// Documents that are asked for at once where the two sides are not in step.
	comparedDocuments = 1000
	// Two batches of this size are still in the processor's cache when they are compared, which takes a quarter less
	// time than with four times as much.
	comparedBytes = 1 << 20
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
		BatchBytes:     min(c.env.Tuning().BatchBytes, comparedBytes),
		DocumentBytes:  c.work.Mean,
		Stopping:       c.task.Stopping(),
	}
	if c.spec.Query != nil {
		find.Queries = []bson.Raw{c.spec.Query}
	}
	return s.reader.Find(find)
}

// batches calls visit for each batch of a cursor, which it closes. Where taking, their bytes are taken from the step's
// memory; otherwise they are within what the caller has taken.
func (c *comparison) batches(ctx context.Context, cursor *endpoint.Cursor, taking bool, visit func(endpoint.Batch) error) error {
	defer cursor.Close(ctx)
	for {
		err := c.batch(ctx, cursor, taking, visit)
		if errors.Is(err, endpoint.ErrEnd) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *comparison) batch(ctx context.Context, cursor *endpoint.Cursor, taking bool, visit func(endpoint.Batch) error) error {
	if stopping(c.task) {
		return ErrStopped
	}
	if !taking {
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

// difference is a document of the source that the target does not have, or has otherwise.
type difference struct {
	document bson.Raw
	outcome  string
	message  string
	twin     bool // shares its _id with others of the source, so that it cannot be repaired
	intended bool // was about to be replaced: what became of it has to be told
}

// compareChunk compares some documents of the source with all that the target has in their range. continued tells
// that the first of them may share their _id with the last of those before. A sample does not read on for ever in a
// range where the source has nothing.
func (c *comparison) compareChunk(ctx context.Context, documents []bson.Raw, after bson.RawValue, in endpoint.Range, continued bool) error {
	expected := make(map[string][]bson.Raw, len(documents))
	var found []difference
	for _, document := range documents {
		c.counts.Read++
		c.counts.Bytes += int64(len(document))
		id := idOf(document)
		if continued && endpoint.SameID(id, after) {
			found = append(found, difference{document: document, outcome: OutcomeDiffering, message: "the source has more documents with this _id, which is unique only within a shard key", twin: true})
			continue
		}
		key := endpoint.IDKey(id)
		expected[key] = append(expected[key], document)
	}
	if c.work.Blind != blindTarget {
		left := int64(math.MaxInt64)
		if c.work.Limit > 0 {
			left = int64(len(documents)) + c.work.Limit
		}
		find := c.find(c.targetSide(), after, in, int(min(comparedDocuments, left)))
		err := c.batches(ctx, find, len(documents) == 0, func(b endpoint.Batch) error {
			for _, there := range b.Documents {
				id := idOf(there)
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
			if left -= int64(len(b.Documents)); left <= 0 {
				return errSampled
			}
			return nil
		})
		if errors.Is(err, errSampled) {
			return c.conclude(ctx, c.unsampled(documents, expected, found))
		}
		if err != nil {
			return err
		}
	}
	for _, document := range documents { // in their order
		key := endpoint.IDKey(idOf(document))
		twins := expected[key]
		delete(expected, key)
		for _, twin := range twins {
			found = append(found, difference{document: twin, outcome: OutcomeMissing, message: "missing in the target" + shared(twins), twin: len(twins) > 1})
		}
	}
	return c.conclude(ctx, found)
}

// errSampled means that a sample has read enough.
var errSampled = errors.New("sampled")

// unsampled takes documents back that were counted as compared but not looked for to the end.
func (c *comparison) unsampled(documents []bson.Raw, expected map[string][]bson.Raw, found []difference) []difference {
	for _, document := range documents {
		if _, open := expected[endpoint.IDKey(idOf(document))]; open {
			c.counts.Read--
			c.counts.Bytes -= int64(len(document))
		}
	}
	return found
}

// against compares the documents of the source that have one _id with the target's.
func (c *comparison) against(twins []bson.Raw, there bson.Raw) []difference {
	var found []difference
	arrived := false
	for _, twin := range twins {
		if !arrived && sameDocument(twin, there) {
			arrived = true
			if len(twins) == 1 {
				c.repairedBefore(twin)
			} else {
				found = append(found, difference{document: twin, outcome: OutcomeIdentical, message: "this is the one that the target has" + shared(twins), twin: true})
			}
			continue
		}
		found = append(found, difference{document: twin, outcome: OutcomeDiffering, message: "the target has another document with this _id" + shared(twins), twin: len(twins) > 1})
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
	lists := c.task.Lists()
	for _, d := range found {
		if lists || d.outcome == OutcomeIdentical || d.intended {
			c.found = append(c.found, c.listed(idOf(d.document), d.outcome, d.message))
		}
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
	if !c.task.Lists() {
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
	c.saved, c.known, c.unsaved = c.counts, 0, 0
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
