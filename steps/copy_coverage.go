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

// coverage compares the _ids of both sides in a range, after the change streams have been read: whatever a stream
// has left out is copied, and what only the target has is told of. Documents are not compared, which would cost as much
// as reading everything once more; verify-content does that.
type coverage struct {
	env    Env
	task   Task
	work   copyUnit
	unit   Unit
	source *endpoint.Reader
	target *endpoint.Reader
	to     *delivery
	at     coverageCheckpoint
	counts Counts
	list   []Reject // since the last checkpoint
}

// coverageCheckpoint is how far a range is: every _id up to and including After has been compared, and of the
// documents that were missing those with the _ids in Missing may not have been copied yet.
type coverageCheckpoint struct {
	After   endpoint.Value   `json:"after,omitzero"`
	Missing []endpoint.Value `json:"missing,omitempty"`
	Extra   int64            `json:"extra,omitempty"`
	Done    bool             `json:"done,omitempty"`
}

// checkOutput is what a range came to beside its books.
type checkOutput struct {
	Extra int64 `json:"extra,omitempty"` // only the target has them, and had documents of its own before
}

const (
	// _ids of one side that are held at a time.
	comparedIDs      = 2000
	comparedIDsBytes = 2 << 20
	// Documents that are fetched together to be copied.
	fetchedBytes = 1 << 20
	// Unexpected documents that are held to be listed at a time; the rest is counted.
	listedAtOnce = 10_000
)

const messageUnexpected = "only the target has this document: it was deleted from the source, or no longer passes the filter, since it was copied"

// checkCoverage does a unit of the comparison.
func checkCoverage(ctx context.Context, env Env, source *endpoint.Reader, writer *endpoint.Writer, unit Unit, work copyUnit, task Task) (Result, error) {
	c := coverage{env: env, task: task, work: work, unit: unit, source: source, target: writer.Reader, counts: unit.Counts}
	if err := unit.goOn(&c.at); err != nil {
		return Result{}, err
	}
	c.to = newStreamDelivery(env, writer, work, newNewest(source, work), task, task.Intended(writer.Namespace(work.To)))
	defer c.to.close()
	if err := c.run(ctx); err != nil {
		if errors.Is(err, endpoint.ErrStopping) {
			err = ErrStopped
		}
		return Result{Counts: c.counts}, err
	}
	output, err := json.Marshal(copyOutput{Check: &checkOutput{Extra: c.at.Extra}})
	return Result{Counts: c.counts, Output: output}, err
}

func (c *coverage) run(ctx context.Context) error {
	if err := c.bring(ctx); err != nil || c.at.Done {
		return err
	}
	spec := c.env.Step().Spec.(*plans.CopySpec)
	// What was compared up to is read once more: documents may share its _id.
	rest, last := c.work.Range, c.at.After.RawValue
	if last.Type != 0 {
		rest.From, last = c.at.After, bson.RawValue{}
	}
	var whole []bson.RawValue // of a range that cannot be cut
	if c.work.Blind != blindSource {
		cursor := c.ids(c.source, c.work.From, rest, bson.RawValue{}, sourceQueries(nil, spec.Transform, c.work.Collated))
		defer cursor.Close(ctx)
		for {
			if c.task.SplitWanted() {
				if err := c.share(ctx, &rest, cursor); err != nil {
					return err
				}
			}
			batch, err := c.next(ctx, cursor)
			if errors.Is(err, endpoint.ErrEnd) {
				break
			}
			if err != nil {
				return err
			}
			if !rest.Resumable() {
				whole = append(whole, idsOf(batch)...)
				continue
			}
			reckon(c.task, rest, c.work.Top, batch)
			if err := c.compare(ctx, idsOf(batch), last, upTo(rest, batch.Last)); err != nil {
				return err
			}
			last = batch.Last
		}
	}
	if err := c.compare(ctx, whole, last, rest); err != nil { // what the target has above the source's last _id
		return err
	}
	c.at.Done = true
	return c.save()
}

func (c *coverage) share(ctx context.Context, rest *endpoint.Range, cursor *endpoint.Cursor) error {
	lower, split, err := splitUnit(ctx, c.source, c.task, c.unit, c.work.From, *rest, cursor.Last(), func(in endpoint.Range) any {
		work := c.work
		work.Range = in
		return work
	})
	if err != nil || !split {
		return err
	}
	*rest = lower
	cursor.Shrink(ctx, lower.Below)
	return nil
}

func (c *coverage) ids(reader *endpoint.Reader, collection string, in endpoint.Range, after bson.RawValue, queries []bson.Raw) *endpoint.Cursor {
	return reader.Find(endpoint.Find{
		Collection: collection, Range: in, After: after, Queries: queries, IDs: true,
		BatchDocuments: comparedIDs, BatchBytes: comparedIDsBytes, Stopping: c.task.Stopping(),
	})
}

func (c *coverage) next(ctx context.Context, cursor *endpoint.Cursor) (endpoint.Batch, error) {
	if stopping(c.task) {
		return endpoint.Batch{}, ErrStopped
	}
	batch, err := cursor.Next(ctx)
	if err == nil {
		usage := Counts{Throttled: batch.Usage.Throttled, Retries: batch.Usage.Retries}
		c.counts = c.counts.Plus(usage)
		c.task.Report(usage)
	}
	return batch, err
}

// each calls visit for each batch of a cursor, which it closes.
func (c *coverage) each(ctx context.Context, cursor *endpoint.Cursor, visit func(endpoint.Batch) error) error {
	defer cursor.Close(ctx)
	for {
		batch, err := c.next(ctx, cursor)
		if errors.Is(err, endpoint.ErrEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(batch); err != nil {
			return err
		}
	}
}

func idsOf(batch endpoint.Batch) []bson.RawValue {
	ids := make([]bson.RawValue, len(batch.Documents))
	for n, document := range batch.Documents {
		ids[n], _ = endpoint.IDOf(document)
	}
	return ids
}

// compare compares some _ids of the source with all that the target has in their range, above after. What is missing
// is written down before it is copied, so that it is in the books after a kill too.
func (c *coverage) compare(ctx context.Context, ids []bson.RawValue, after bson.RawValue, in endpoint.Range) error {
	found := make(map[string]bool, len(ids))
	twins := map[string]bool{} // _ids that several documents of the source have
	for _, id := range ids {
		key := endpoint.IDKey(id)
		if _, twice := found[key]; twice || after.Type != 0 && endpoint.SameID(id, after) {
			twins[key] = true
		}
		found[key] = false
	}
	if c.work.Blind != blindTarget {
		err := c.each(ctx, c.ids(c.target, c.work.To, in, after, nil), func(batch endpoint.Batch) error {
			var extra []bson.RawValue
			for _, id := range idsOf(batch) {
				key := endpoint.IDKey(id)
				if _, there := found[key]; there {
					found[key] = true
				} else {
					extra = append(extra, id)
				}
			}
			return c.only(ctx, extra)
		})
		if err != nil {
			return err
		}
	}
	for _, id := range ids {
		key := endpoint.IDKey(id)
		if there, open := found[key]; open && (!there || twins[key]) {
			c.at.Missing = append(c.at.Missing, endpoint.Value{RawValue: endpoint.CloneValue(id)})
		}
		delete(found, key)
	}
	if err := c.unlisted(); err != nil {
		return err
	}
	if len(ids) > 0 && c.work.Range.Resumable() {
		c.at.After = endpoint.Value{RawValue: endpoint.CloneValue(ids[len(ids)-1])}
	}
	if err := c.save(); err != nil {
		return err
	}
	return c.bring(ctx)
}

// only tells of documents that the target alone has. The source is asked for each of them: it may have come since.
func (c *coverage) only(ctx context.Context, ids []bson.RawValue) error {
	if len(ids) == 0 {
		return nil
	}
	there, err := c.stillThere(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		switch {
		case there[endpoint.IDKey(id)]:
		case !c.work.Own:
			c.at.Extra++
		default:
			c.counts.Unexpected++
			if len(c.list) < listedAtOnce {
				c.list = append(c.list, Reject{Outcome: OutcomeUnexpected, Origin: c.work.From, Namespace: c.target.Namespace(c.work.To), ID: endpoint.IDText(id), Message: messageUnexpected})
			}
		}
	}
	return nil
}

// stillThere asks the source for documents by their _ids. A filter has to see them whole.
func (c *coverage) stillThere(ctx context.Context, ids []bson.RawValue) (map[string]bool, error) {
	there := map[string]bool{}
	if c.work.Blind == blindSource {
		return there, nil
	}
	transform := c.env.Step().Spec.(*plans.CopySpec).Transform
	if transform == nil {
		err := c.source.FindIDs(ctx, c.work.From, ids, func(id bson.RawValue) { there[endpoint.IDKey(id)] = true })
		return there, err
	}
	pass := newSieve(transform)
	err := c.source.FindByID(ctx, c.work.From, ids, func(document bson.Raw) {
		if len(pass.pass([]bson.Raw{document})) > 0 {
			id, _ := endpoint.IDOf(document)
			there[endpoint.IDKey(id)] = true
		}
	})
	return there, err
}

// unlisted takes those out of the missing that are in the list already: the target has refused them before.
func (c *coverage) unlisted() error {
	rejects := make([]Reject, len(c.at.Missing))
	for n, id := range c.at.Missing {
		rejects[n] = Reject{Outcome: OutcomeRejected, Namespace: c.target.Namespace(c.work.To), ID: endpoint.IDText(id.RawValue)}
	}
	listed, err := c.task.InList(rejects)
	if err != nil {
		return err
	}
	left := c.at.Missing[:0]
	for n, id := range c.at.Missing {
		if !listed[n] {
			left = append(left, id)
		}
	}
	c.at.Missing = left
	return nil
}

// bring copies the documents that are missing.
func (c *coverage) bring(ctx context.Context) error {
	if len(c.at.Missing) == 0 {
		return nil
	}
	wanted, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: rawValues(c.at.Missing)}}}})
	if err != nil {
		return err
	}
	cursor := c.source.Find(endpoint.Find{
		Collection: c.work.From, Queries: []bson.Raw{wanted},
		BatchDocuments: comparedIDs, BatchBytes: fetchedBytes, DocumentBytes: c.work.Mean, Stopping: c.task.Stopping(),
	})
	err = c.each(ctx, cursor, func(batch endpoint.Batch) error {
		counts, rejects, err := c.to.deliver(ctx, parcel{documents: c.wanted(batch.Documents)})
		if err != nil {
			return err
		}
		c.task.Report(counts)
		c.counts = c.counts.Plus(counts)
		c.list = append(c.list, rejects...)
		return nil
	})
	if err != nil {
		return err
	}
	c.at.Missing = nil
	return c.save()
}

// wanted leaves out what the filter does: it is in the books of the stream, and is not missing.
func (c *coverage) wanted(documents []bson.Raw) []bson.Raw {
	if c.to.transform == nil {
		return documents
	}
	kept := make([]bson.Raw, 0, len(documents))
	for _, document := range documents {
		if _, keep, err := c.to.transform.Apply(document); keep || err != nil {
			kept = append(kept, document)
		}
	}
	return kept
}

func rawValues(values []endpoint.Value) bson.A {
	list := make(bson.A, len(values))
	for n, v := range values {
		list[n] = v.RawValue
	}
	return list
}

func (c *coverage) save() error {
	state, err := json.Marshal(c.at)
	if err != nil {
		return err
	}
	list := c.list
	c.list = nil
	if err := c.task.Save(Checkpoint{State: state, Counts: c.counts, Rejects: list}); err != nil {
		return fmt.Errorf("save a checkpoint: %w", err)
	}
	return nil
}
