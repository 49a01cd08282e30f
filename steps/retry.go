package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/model"
	"vida/plans"
)

// Retrier is a step that can try rejected documents again.
type Retrier interface {
	// Retry brings documents that were rejected before. It returns what became of each of them, in their order: an
	// outcome other than OutcomeRejected means that it is rejected no more. stopping closed means no more patience.
	Retry(ctx context.Context, env Env, rejects []Reject, stopping <-chan struct{}) (fates []Reject, usage endpoint.Usage, err error)
}

// retrial tries the rejects of one collection again.
type retrial struct {
	to      *delivery
	rejects []Reject
	fates   []Reject         // of each of them
	asked   map[string]bool  // the _ids
	byID    map[string][]int // their places by _id, of those that were not seen
	ids     []bson.RawValue
	usage   endpoint.Usage
}

func newRetrial(to *delivery, rejects []Reject) *retrial {
	r := &retrial{to: to, rejects: rejects, fates: make([]Reject, len(rejects)), asked: map[string]bool{}, byID: map[string][]int{}}
	to.fates = map[string]Reject{}
	for n, reject := range rejects {
		r.fates[n] = reject
		var id endpoint.Value
		if err := json.Unmarshal([]byte(reject.ID), &id); err != nil || id.IsZero() {
			r.fates[n].Message = "its _id cannot be read from the state: start the step over to try it again"
			continue
		}
		key := endpoint.IDKey(id.RawValue)
		if len(r.byID[key]) == 0 {
			r.ids, r.asked[key] = append(r.ids, id.RawValue), true
		}
		r.byID[key] = append(r.byID[key], n)
	}
	return r
}

// gone sets the fate of documents that have not been seen.
func (r *retrial) gone(message string) {
	for _, places := range r.byID {
		for _, n := range places {
			r.fates[n].Code, r.fates[n].Message = 0, message
		}
	}
}

// bring delivers documents, all that there are of each of their _ids.
func (r *retrial) bring(ctx context.Context, documents []bson.Raw) error {
	shared := map[string]int{}
	countShared(shared, documents)
	return r.bringShared(ctx, documents, shared)
}

// countShared adds up how many documents have an _id.
func countShared(shared map[string]int, documents []bson.Raw) {
	for _, document := range documents {
		id, _ := endpoint.IDOf(document)
		shared[endpoint.IDKey(id)]++
	}
}

// bringShared delivers documents, knowing how many there are of each _id.
func (r *retrial) bringShared(ctx context.Context, documents []bson.Raw, shared map[string]int) error {
	own := map[string]bool{}
	var single []bson.Raw
	for _, document := range documents {
		id, _ := endpoint.IDOf(document)
		key := endpoint.IDKey(id)
		if own[key] = true; shared[key] == 1 && len(r.byID[key]) > 0 {
			single = append(single, document)
		}
	}
	counts, _, err := r.to.deliver(ctx, parcel{documents: single})
	r.usage.RequestUnits += counts.RequestUnits
	r.usage.Throttled += counts.Throttled
	r.usage.Retries += counts.Retries
	if err != nil {
		return err
	}
	for key := range own {
		many, places := shared[key], r.byID[key]
		delete(r.byID, key) // seen
		for n, at := range places {
			fate := &r.fates[at]
			switch known, ok := r.to.fates[key]; {
			case many > 1:
				fate.Message = fmt.Sprintf("the source still has %d documents with this _id, which is unique only within a shard key; the target can hold one of them", many)
			case n > 0:
				fate.Code, fate.Message = 0, messageGone
			case ok:
				fate.Outcome, fate.Code, fate.Message = known.Outcome, known.Code, known.Message
			}
		}
	}
	return nil
}

const messageGone = "the source no longer has this document: it was deleted, or no longer matches the step's query"

// Retry implements [Retrier].
func (copyStep) Retry(ctx context.Context, env Env, rejects []Reject, stopping <-chan struct{}) ([]Reject, endpoint.Usage, error) {
	spec := env.Step().Spec.(*plans.CopySpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	return byCollection(rejects, writer.Database(), func(origin, collection string, some []Reject) ([]Reject, endpoint.Usage, error) {
		d := newDelivery(writer, collection, origin, spec.OnConflict, stopping)
		defer d.close()
		if spec.Transform != nil {
			d.transform = spec.Transform.NewWorker()
		}
		r := newRetrial(d, some)
		if len(r.ids) == 0 {
			return r.fates, r.usage, nil
		}
		wanted, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: r.ids}}}})
		if err != nil {
			return nil, r.usage, err
		}
		tuning := env.Step().Tuning
		cursor := reader.Find(endpoint.Find{
			Collection:     origin,
			Queries:        append([]bson.Raw{wanted}, sourceQueries(spec.Query, nil, false)...),
			BatchDocuments: tuning.BatchDocuments,
			BatchBytes:     tuning.BatchBytes,
			Stopping:       stopping,
		})
		defer cursor.Close(ctx)
		for {
			batch, err := cursor.Next(ctx)
			if errors.Is(err, endpoint.ErrEnd) {
				r.gone(messageGone)
				return r.fates, r.usage, nil
			}
			if err != nil {
				return nil, r.usage, err
			}
			r.usage.RequestUnits += batch.Usage.RequestUnits
			r.usage.Throttled += batch.Usage.Throttled
			r.usage.Retries += batch.Usage.Retries
			if err := r.bring(ctx, batch.Documents); err != nil {
				return nil, r.usage, err
			}
		}
	})
}

// Retry implements [Retrier].
func (generate) Retry(ctx context.Context, env Env, rejects []Reject, stopping <-chan struct{}) ([]Reject, endpoint.Usage, error) {
	spec := env.Step().Spec.(*plans.GenerateSpec)
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, endpoint.Usage{}, err
	}
	d := newDelivery(writer, spec.Collection, generatorOrigin, plans.ConflictFail, stopping)
	defer d.close()
	r := newRetrial(d, rejects)
	orders := model.New(spec.Seed)
	var documents []bson.Raw
	for _, id := range r.ids {
		oid, ok := id.ObjectIDOK()
		if !ok {
			continue
		}
		if number, ok := orders.NumberOf(oid); ok && number < spec.Documents {
			documents = append(documents, orders.AppendOrder(nil, number))
		}
	}
	err = r.bring(ctx, documents)
	r.gone("not an order of this step")
	return r.fates, r.usage, err
}

// byCollection calls retry for the rejects of each collection, and puts what it returns in the order of rejects.
func byCollection(rejects []Reject, database string, retry func(origin, collection string, some []Reject) ([]Reject, endpoint.Usage, error)) ([]Reject, endpoint.Usage, error) {
	type collection struct{ origin, namespace string }
	places := map[collection][]int{}
	var order []collection
	for n, r := range rejects {
		key := collection{r.Origin, r.Namespace}
		if len(places[key]) == 0 {
			order = append(order, key)
		}
		places[key] = append(places[key], n)
	}
	fates := make([]Reject, len(rejects))
	var usage endpoint.Usage
	for _, key := range order {
		some := make([]Reject, 0, len(places[key]))
		for _, n := range places[key] {
			some = append(some, rejects[n])
		}
		came, used, err := retry(key.origin, strings.TrimPrefix(key.namespace, database+"."), some)
		usage.RequestUnits += used.RequestUnits
		usage.Throttled += used.Throttled
		usage.Retries += used.Retries
		if err != nil {
			return nil, usage, err
		}
		for n, at := range places[key] {
			fates[at] = came[n]
		}
	}
	return fates, usage, nil
}
