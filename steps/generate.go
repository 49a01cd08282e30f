package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/model"
	"vida/plans"
)

// generate implements [Step]: it writes service orders that follow from the seed and their number alone. A unit
// is a run of numbers.
type generate struct{}

type generateUnit struct {
	From  int64 `json:"from"`
	Below int64 `json:"below"`
}

// generateCheckpoint is the number of the first order that has not arrived.
type generateCheckpoint struct {
	Next int64 `json:"next"`
}

// Where a generated order is found again: it follows from its _id.
const generatorOrigin = "generator"

// A generated order has about this many bytes.
const orderBytes = 2000

func (generate) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.GenerateSpec)
	preview := Preview{
		Documents:    spec.Documents,
		Bytes:        spec.Documents * meanOrder(spec),
		Units:        int64(len(generateUnits(env.Step().Tuning, spec.Documents))),
		RequestUnits: -1,
		Seconds:      -1,
	}
	for _, step := range env.Plan().Steps {
		if copying, ok := step.Spec.(*plans.CopySpec); ok && copying.From == spec.To {
			preview.Notes = append(preview.Notes, fmt.Sprintf("warning: writes generated documents to %s, the source of step %s", spec.To, step.Name))
		}
	}
	reader, err := env.Reader(ctx, spec.To)
	if err != nil {
		return preview, err
	}
	if forecast := reader.WritingForecast(ctx, spec.Collection, spec.Documents, meanOrder(spec)); forecast.RequestUnits > 0 {
		preview.RequestUnits = forecast.RequestUnits
		if seconds, known := forecast.Seconds(); known {
			preview.Seconds = seconds
		}
		preview.Notes = append(preview.Notes, "the request units are an estimate by the documented charge of an insert")
	}
	if spec.Append {
		return preview, nil
	}
	empty, err := reader.IsEmpty(ctx, spec.Collection)
	if err != nil {
		return preview, err
	}
	if !empty {
		preview.Notes = append(preview.Notes, notEmpty(reader, spec.Collection).Error())
	}
	return preview, nil
}

// meanOrder is how many bytes an order of this seed has, by some of them.
func meanOrder(spec *plans.GenerateSpec) int64 {
	orders := model.New(spec.Seed)
	var buffer []byte
	some := max(1, min(spec.Documents, 200))
	for n := range some {
		buffer = orders.AppendOrder(buffer, n*(spec.Documents/some))
	}
	return int64(len(buffer)) / some
}

func notEmpty(reader *endpoint.Reader, collection string) error {
	return fmt.Errorf("%s is not empty: generate into an empty collection, or allow it with append: true", reader.Namespace(collection))
}

// generateUnits are runs of the size the plan aims for, and enough of them to keep workers busy.
func generateUnits(tuning plans.Tuning, documents int64) []generateUnit {
	size := max(1, min(tuning.UnitDocuments, max(2000, documents/int64(4*max(4, tuning.Workers)))))
	size = max(size, (documents+mostUnits-1)/mostUnits)
	var units []generateUnit
	for from := int64(0); from < documents; from += size {
		units = append(units, generateUnit{From: from, Below: min(from+size, documents)})
	}
	return units
}

func (generate) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.GenerateSpec)
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, err
	}
	if !spec.Append {
		empty, err := writer.IsEmpty(ctx, spec.Collection)
		if err != nil {
			return nil, err
		}
		if !empty {
			return nil, notEmpty(writer.Reader, spec.Collection)
		}
	}
	if err := writer.CreateCollection(ctx, spec.Collection, nil); err != nil {
		return nil, err
	}
	var units []Unit
	for n, work := range generateUnits(env.Step().Tuning, spec.Documents) {
		body, err := json.Marshal(work)
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: fmt.Sprintf("%05d", n), Spec: body, Expected: work.Below - work.From})
	}
	return units, nil
}

func (generate) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.GenerateSpec)
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	var work generateUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	at := generateCheckpoint{Next: work.From}
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	work.From = at.Next
	flow := pipeline{memory: env.Memory(), task: task, newDeliverer: func() (deliverer, error) {
		// An order that is there already and differs is another's: never replaced.
		return newDelivery(writer, spec.Collection, generatorOrigin, plans.ConflictFail, task.Stopping()), nil
	}}
	counts, err := flow.run(ctx, &orderFeed{
		orders: model.New(spec.Seed),
		work:   work,
		afford: func() int64 { return writer.Affordable(spec.Collection) },
		tuning: env.Tuning,
	}, unit.Counts)
	return Result{Counts: counts}, err
}

func (generate) Finish(_ context.Context, _ Env, results []Result) (Result, error) {
	return sum(results), nil
}

// orderFeed generates a run of orders.
type orderFeed struct {
	orders *model.Generator
	work   generateUnit
	afford func() int64 // bytes that one batch should have at most, where they are paid for; 0 for no bound
	tuning func() plans.Tuning
}

func (f *orderFeed) expected() int64 { return 2 * f.size() * orderBytes }

// size is how many orders the next batch has.
func (f *orderFeed) size() int64 {
	tuning := f.tuning()
	bytes := tuning.BatchBytes
	if affordable := f.afford(); affordable > 0 {
		bytes = min(bytes, affordable)
	}
	return max(1, min(int64(tuning.BatchDocuments), bytes/orderBytes))
}

func (f *orderFeed) next(context.Context) (parcel, error) {
	count := min(f.size(), f.work.Below-f.work.From)
	if count <= 0 {
		return parcel{}, endpoint.ErrEnd
	}
	buffer := make([]byte, 0, count*orderBytes*9/8)
	ends := make([]int, 0, count)
	for range count {
		buffer = f.orders.AppendOrder(buffer, f.work.From)
		ends = append(ends, len(buffer))
		f.work.From++
	}
	documents := make([]bson.Raw, 0, count)
	start := 0
	for _, end := range ends {
		documents = append(documents, buffer[start:end:end])
		start = end
	}
	state, err := json.Marshal(generateCheckpoint{Next: f.work.From})
	if err != nil {
		return parcel{}, err
	}
	return parcel{documents: documents, bytes: int64(2 * len(buffer)), state: state}, nil
}
