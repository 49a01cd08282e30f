package steps

import (
	"context"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans/expression"
)

// destination is a collection as a delivery needs it.
type destination interface {
	// Insert returns what the collection did not take; every other document is acknowledged.
	Insert(ctx context.Context, documents []bson.Raw, array endpoint.Array) (endpoint.Inserted, error)
	FindByID(ctx context.Context, ids []bson.RawValue, visit func(bson.Raw)) error
	Replace(ctx context.Context, documents []bson.Raw) ([]endpoint.WriteError, error)
	Close()
}

// delivery inserts parcels into one collection and settles what the target does not take: a duplicate is
// compared with what is there, anything else is a rejected document.
type delivery struct {
	to         destination
	namespace  string
	onConflict string
	origin     string               // where the documents are found again; see [Reject]
	transform  expression.Worker    // nil: documents pass as they are
	twins      twinCounter          // nil where all documents of an _id come together
	casting    caster               // nil: every write is acknowledged
	vacant     bool                 // the target has none of the documents, but for those of this delivery and its like
	unordered  bool                 // the documents do not come in the order of _id
	owned      bool                 // the target was empty when the step began, so that what differs there is no leftover
	newest     *newest              // documents of a change stream, which may come more than once; nil: of a range
	fates      map[string]Reject    // by the _id's key: what became of each document; nil: nobody asks
	intend     func([]Reject) error // called before documents are replaced; nil: nobody keeps it
	intended   map[string]bool      // by the _id's text: of earlier attempts, of which it is not known whether they were

	// Reused from parcel to parcel.
	documents []bson.Raw
	changed   []byte
}

// place implements [destination].
type place struct {
	*endpoint.Inserter
	writer     *endpoint.Writer
	collection string
}

func (p place) FindByID(ctx context.Context, ids []bson.RawValue, visit func(bson.Raw)) error {
	return p.writer.FindByID(ctx, p.collection, ids, visit)
}

func (p place) Replace(ctx context.Context, documents []bson.Raw) ([]endpoint.WriteError, error) {
	return p.writer.Replace(ctx, p.collection, documents)
}

func newDelivery(writer *endpoint.Writer, collection, origin, onConflict string, stopping <-chan struct{}) *delivery {
	inserter := writer.NewInserter(collection, stopping)
	var casting caster
	if writer.Unacknowledged() {
		casting = inserter
	}
	return &delivery{
		to:         place{inserter, writer, collection},
		casting:    casting,
		namespace:  writer.Namespace(collection),
		onConflict: onConflict,
		origin:     origin,
	}
}

func (d *delivery) close() { d.to.Close() }

func (d *delivery) deliver(ctx context.Context, p parcel) (Counts, []Reject, error) {
	counts := Counts{Read: int64(len(p.documents))}
	for _, document := range p.documents {
		counts.Bytes += int64(len(document))
	}
	documents, array, rejects := p.documents, p.array, []Reject(nil)
	if d.transform != nil {
		array = nil
		documents, rejects = d.transformed(p.documents, &counts)
	}
	inserted, err := d.insert(ctx, documents, array)
	counts.Throttled += inserted.Usage.Throttled
	counts.Retries += inserted.Usage.Retries
	if err != nil {
		return counts, nil, err
	}
	counts.Inserted += int64(len(documents) - len(inserted.Errors))
	counts.Rejected += int64(len(rejects))
	if d.fates != nil {
		for _, document := range documents { // until settled otherwise
			d.decided(document, d.note(document, OutcomeInserted, ""))
		}
	}
	if len(inserted.Errors) > 0 {
		s := settlement{delivery: d, documents: documents, counts: &counts}
		if err := s.settle(ctx, inserted.Errors); err != nil {
			return counts, nil, err
		}
		rejects = append(rejects, s.listed...)
	}
	return counts, rejects, nil
}

// transformed applies filter, set and unset. A document on which an expression fails is rejected.
func (d *delivery) transformed(documents []bson.Raw, counts *Counts) ([]bson.Raw, []Reject) {
	var rejects []Reject
	kept := d.documents[:0]
	offsets := make([]int, 0, len(documents))
	d.changed = d.changed[:0]
	for _, document := range documents {
		out, keep, err := d.transform.Apply(document)
		switch {
		case err != nil:
			reject := d.note(document, OutcomeRejected, err.Error())
			rejects = append(rejects, reject)
			d.decided(document, reject)
			continue
		case !keep:
			counts.Filtered++
			d.decided(document, Reject{Outcome: OutcomeFiltered})
			continue
		}
		if &out[0] == &document[0] {
			kept, offsets = append(kept, document), append(offsets, -1)
			continue
		}
		kept, offsets = append(kept, nil), append(offsets, len(d.changed))
		d.changed = append(d.changed, out...)
	}
	for n, offset := range offsets { // only now does the buffer no longer move
		if offset >= 0 {
			length := int(binary.LittleEndian.Uint32(d.changed[offset:]))
			kept[n] = d.changed[offset : offset+length]
		}
	}
	d.documents = kept
	return kept, rejects
}

// note lists what became of a document.
func (d *delivery) note(document bson.Raw, outcome, message string) Reject {
	id, _ := endpoint.IDOf(document)
	return Reject{Outcome: outcome, Origin: d.origin, Namespace: d.namespace, ID: endpoint.IDText(id), Message: message}
}

func (d *delivery) decided(document bson.Raw, fate Reject) {
	if d.fates == nil {
		return
	}
	id, _ := endpoint.IDOf(document)
	d.fates[endpoint.IDKey(id)] = fate
}
