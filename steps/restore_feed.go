package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
	"vida/steps/mongodump"
)

// restoreFeed reads a file of a dump.
type restoreFeed struct {
	env       Env
	task      Task
	work      restoreUnit
	documents *mongodump.Reader
	batch     int64 // bytes of the last one
	read      int64 // documents, and their bytes
	bytes     int64
}

// expected counts a document twice: once as it was read and once in the target's message.
func (f *restoreFeed) expected() int64 {
	if f.batch == 0 {
		return 2 * f.env.Tuning().BatchBytes
	}
	return 2 * f.batch
}

func (f *restoreFeed) next(ctx context.Context) (parcel, error) {
	tuning := f.env.Tuning()
	batch, err := f.documents.Next(ctx, tuning.BatchDocuments, tuning.BatchBytes, f.work.wanted)
	if errors.Is(err, io.EOF) {
		return parcel{}, endpoint.ErrEnd
	}
	if err != nil {
		return parcel{}, err
	}
	for _, document := range batch.Documents {
		if _, ok := endpoint.IDOf(document); !ok {
			return parcel{}, fmt.Errorf("a document of %s before byte %d has no _id, by which it would be known when the step goes on", batch.Place, batch.Position.Offset)
		}
	}
	f.batch, f.read, f.bytes = batch.Bytes, f.read+int64(len(batch.Documents)), f.bytes+batch.Bytes
	if !f.work.File.Gzip {
		f.task.Expect((f.work.File.Size - batch.Position.Offset) * f.read / f.bytes)
	}
	state, err := json.Marshal(batch.Position)
	return parcel{to: f.work.Collections[batch.Place.Collection].To, documents: batch.Documents, bytes: 2 * batch.Bytes, state: state}, err
}

// restoreDelivery brings parcels to the collections that they are for.
type restoreDelivery struct {
	open func(collection string) *delivery
	to   map[string]*delivery
}

func (d *restoreDelivery) deliver(ctx context.Context, p parcel) (Counts, []Reject, error) {
	if d.to[p.to] == nil {
		if d.to == nil {
			d.to = map[string]*delivery{}
		}
		d.to[p.to] = d.open(p.to)
	}
	return d.to[p.to].deliver(ctx, p)
}

func (d *restoreDelivery) close() {
	for _, to := range d.to {
		to.close()
	}
}

const messageGoneFromDump = "the dump no longer has this document"

// Retry implements [Retrier]. A dump has no index, so that its files are read from their beginning.
func (restore) Retry(ctx context.Context, env Env, rejects []Reject, stopping <-chan struct{}) ([]Reject, endpoint.Usage, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	plan, err := restore{}.look(env)
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	files, err := plan.units()
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	return byCollection(rejects, writer.Database(), func(origin, collection string, some []Reject) ([]Reject, endpoint.Usage, error) {
		d := newDelivery(writer, collection, origin, spec.OnConflict, stopping)
		defer d.close()
		r := newRetrial(d, some)
		for _, file := range files {
			if err := file.bringAgain(ctx, env, collection, r); err != nil {
				return nil, r.usage, err
			}
		}
		r.gone(messageGoneFromDump)
		return r.fates, r.usage, nil
	})
}

// bringAgain brings the documents that are tried again of those that go to a collection.
func (u restoreUnit) bringAgain(ctx context.Context, env Env, collection string, r *retrial) error {
	goes := func(place mongodump.Place) bool {
		return u.wanted(place) && u.Collections[place.Collection].To == collection
	}
	any := false
	for _, c := range u.Collections {
		any = any || c.To == collection
	}
	if !any {
		return nil
	}
	documents, err := u.open(mongodump.Position{})
	if err != nil {
		return err
	}
	defer documents.Close()
	tuning := env.Tuning()
	var found []bson.Raw
	for {
		batch, err := documents.Next(ctx, tuning.BatchDocuments, tuning.BatchBytes, goes)
		if errors.Is(err, io.EOF) {
			return r.bring(ctx, found) // at once, for the dump may have several of an _id
		}
		if err != nil {
			return fmt.Errorf("read %s again: %w", u.File.Path, err)
		}
		for _, document := range batch.Documents {
			id, _ := endpoint.IDOf(document)
			if len(r.byID[endpoint.IDKey(id)]) > 0 {
				found = append(found, bson.Raw(append([]byte(nil), document...)))
			}
		}
	}
}
