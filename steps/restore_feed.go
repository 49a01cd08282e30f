package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

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
	input     string
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
		err = f.work.File.unchanged(f.input) // as long as somebody writes to it, its end is none
		if err == nil {
			err = endpoint.ErrEnd
		}
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
		f.task.Expect(int64(float64(f.work.File.Size-batch.Position.Offset) * float64(f.read) / float64(f.bytes)))
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

// Retry implements [Retrier]. A dump has no index, so that its files are read from their beginning, twice: which _ids are
// there more than once is known only in the end, and the documents of others need not be kept until then.
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
	if earlier, ok := env.Earlier(env.Step().Name); ok { // else the step goes on, and looks itself
		var out restored
		if err := json.Unmarshal(earlier.Output, &out); err != nil {
			return nil, endpoint.Usage{}, fmt.Errorf("the saved outcome of the restore: %w", err)
		}
		for n := range files {
			for _, source := range out.Sources {
				if source.Name == files[n].File.Name {
					files[n].File.Size, files[n].File.Modified = source.Size, source.Modified
				}
			}
		}
	}
	reading, release := untilClosed(ctx, stopping)
	defer release()
	return byCollection(rejects, writer.Database(), func(origin, collection string, some []Reject) ([]Reject, endpoint.Usage, error) {
		d := newDelivery(writer, collection, origin, spec.OnConflict, stopping)
		defer d.close()
		r := newRetrial(d, some)
		shared := map[string]int{}
		each := func(visit func([]bson.Raw) error) error {
			for _, file := range files {
				if err := file.tried(reading, env, collection, r, visit); err != nil {
					if reading.Err() != nil && ctx.Err() == nil {
						return endpoint.ErrStopping
					}
					return err
				}
			}
			return nil
		}
		err := each(func(documents []bson.Raw) error {
			countShared(shared, documents)
			return nil
		})
		if err == nil {
			err = each(func(documents []bson.Raw) error { return r.bringShared(ctx, documents, shared) })
		}
		if err != nil {
			return nil, r.usage, err
		}
		r.gone(messageGoneFromDump)
		return r.fates, r.usage, nil
	})
}

// tried calls visit with the documents of a collection that are to be tried again.
func (u restoreUnit) tried(ctx context.Context, env Env, collection string, r *retrial, visit func([]bson.Raw) error) error {
	goes := func(place mongodump.Place) bool {
		return u.wanted(place) && u.Collections[place.Collection].To == collection
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(u.Collections)), func(c restoring) bool { return c.To == collection }) {
		return nil
	}
	input := env.Plan().Beside(env.Step().Spec.(*plans.RestoreSpec).Input)
	documents, err := u.open(input, mongodump.Position{})
	if err != nil {
		return err
	}
	defer func() { _ = documents.Close() }()
	tuning := env.Tuning()
	for {
		batch, err := documents.Next(ctx, tuning.BatchDocuments, tuning.BatchBytes, goes)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s again: %w", filepath.Join(input, u.File.Name), err)
		}
		wanted := slices.DeleteFunc(batch.Documents, func(document bson.Raw) bool {
			id, _ := endpoint.IDOf(document)
			return !r.asked[endpoint.IDKey(id)]
		})
		if len(wanted) == 0 {
			continue
		}
		if err := visit(wanted); err != nil {
			return err
		}
	}
}
