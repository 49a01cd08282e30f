package endpoint

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// Unacknowledged tells whether the plan asks for writes that nobody acknowledges. Where request units are metered each
// write is answered with what it cost, whatever was asked for.
func (w *Writer) Unacknowledged() bool { return w.config.WriteConcern == "0" && w.meter == nil }

// Vacant tells whether a collection has nothing in a range above an _id (Type 0: in all of it).
func (w *Writer) Vacant(ctx context.Context, collection string, in Range, after bson.RawValue) (bool, error) {
	if after.Type != 0 {
		in.From = Value{after}
	}
	first, any, err := w.edge(ctx, collection, in, 1)
	if err != nil || !any || !SameID(first, after) {
		return err == nil && !any, err
	}
	last, _, err := w.edge(ctx, collection, in, -1)
	return err == nil && SameID(last, after), err
}

// Cast sends documents without asking for an answer, in as many messages as the target's limits ask for. What
// arrives of them is unknown: ask with [Inserter.Arrived]. A connection that breaks is no error, for that is but one
// more way not to arrive.
func (i *Inserter) Cast(ctx context.Context, documents []bson.Raw) error {
	limit := i.lane.endpoint.info
	i.pending = i.pending[:0]
	for n, document := range documents {
		if int64(len(document)) <= limit.MaxDocument {
			i.pending = append(i.pending, n)
		}
	}
	for pending := i.pending; len(pending) > 0; {
		if err := i.lane.connect(ctx); err != nil {
			return i.lost(ctx, err)
		}
		i.unacknowledged = true
		sent := i.compose(documents, pending)
		i.unacknowledged = false
		if err := i.lane.tell(ctx, i.message, i.demand()); err != nil {
			return i.lost(ctx, err)
		}
		i.lane.unanswered++
		pending = pending[sent:]
	}
	return nil
}

// lost passes on only what trying again would not mend.
func (i *Inserter) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if Transient(err) || errors.Is(err, ErrStopping) {
		return nil
	}
	return i.failure(err)
}

// Arrived calls visit for each of some _ids that the target has. It asks over the connection that the documents were
// sent on: a server does one connection's commands in their order, so that they are there by then or never will be.
func (i *Inserter) Arrived(ctx context.Context, ids []bson.RawValue, visit func(id bson.RawValue)) error {
	for len(ids) > 0 {
		some := lookupSize(ids)
		if err := i.arrived(ctx, ids[:some], visit); err != nil {
			return i.failure(err)
		}
		ids = ids[some:]
	}
	return nil
}

func (i *Inserter) arrived(ctx context.Context, ids []bson.RawValue, visit func(id bson.RawValue)) error {
	for {
		documents, err := i.ask(ctx, ids)
		if err == nil {
			i.patience.progress()
			for _, d := range documents {
				if id, ok := IDOf(d); ok {
					visit(id)
				}
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !Transient(err) {
			return err
		}
		if err := i.patience.wait(ctx, err); err != nil {
			return err
		}
	}
}

// ask finds documents by _id in one reply. _ids are small, so that as many as are asked for fit into it.
func (i *Inserter) ask(ctx context.Context, ids []bson.RawValue) ([]bson.Raw, error) {
	if err := i.lane.connect(ctx); err != nil {
		return nil, err
	}
	filter, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
	if err != nil {
		return nil, err
	}
	projection, err := bson.Marshal(bson.D{{Key: "_id", Value: 1}})
	if err != nil {
		return nil, err
	}
	message, index, start := i.message[:0], int32(0), int32(0)
	index, start, message = appendMessageStart(message, 0)
	message = bsoncore.AppendStringElement(message, "find", i.collection)
	message = bsoncore.AppendDocumentElement(message, "filter", filter)
	message = bsoncore.AppendDocumentElement(message, "projection", projection)
	message = bsoncore.AppendInt32Element(message, "batchSize", int32(len(ids)+1))
	message = bsoncore.AppendBooleanElement(message, "singleBatch", true)
	message = i.lane.appendTail(message, false)
	message, err = bsoncore.AppendDocumentEnd(message, start)
	if err != nil {
		return nil, err
	}
	i.message = bsoncore.UpdateLength(message, index, int32(len(message))-index)
	reply, err := i.lane.exchange(ctx, i.message, demand{collection: i.collection, kind: kindRead, weight: float64(len(ids)), stopping: i.patience.stopping})
	if err != nil {
		return nil, err
	}
	_, _, documents, err := readBatch(reply, "firstBatch", len(ids))
	return documents, err
}

// insertFlags are those of an insert message.
func (i *Inserter) insertFlags() wiremessage.MsgFlag {
	if i.unacknowledged {
		return wiremessage.MoreToCome
	}
	return 0
}
