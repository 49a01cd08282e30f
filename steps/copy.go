package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// copyStep implements [Step]: it brings documents from a source to a target, byte for byte unless the plan
// transforms them. A unit is a range of one collection's _id index.
type copyStep struct{}

// copyUnit is the spec of a unit.
type copyUnit struct {
	From  string         `json:"from"`
	To    string         `json:"to"`
	Range endpoint.Range `json:"range"`
	Mean  int64          `json:"mean,omitempty"` // bytes a document, a guess
	Top   endpoint.Value `json:"top,omitzero"`   // the greatest _id seen, where the range is open above

	// Collated collections compare strings in a way of their own: nothing of a filter is pushed down to them.
	Collated bool `json:"collated,omitempty"`

	// Of a copy that reads change streams: the stream, or that the _ids of the range are compared.
	Stream *streamPart `json:"stream,omitempty"`
	Check  bool        `json:"check,omitempty"`
	Blind  string      `json:"blind,omitempty"` // the side whose server does not know this type of _id
	Own    bool        `json:"own,omitempty"`   // the target was empty when the copy began

	Parts string `json:"parts,omitempty"` // of a dump: the directory of its parts, in the workshop
}

// copyCheckpoint is how far a unit is: every document up to and including this _id has arrived.
type copyCheckpoint struct {
	After endpoint.Value `json:"after,omitzero"`
	Seen  []uint64       `json:"seen,omitempty"` // see [endpoint.Find]
	Done  bool           `json:"done,omitempty"` // there is nothing after it
}

func (copyStep) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.CopySpec)
	reader, pairs, notes, err := selected(ctx, env, spec.From, spec.Selection)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Notes: notes, RequestUnits: -1, Seconds: -1}
	if len(pairs) == 0 {
		preview.Notes = append(preview.Notes, nothingSelected(reader, spec.Selection).Error())
	}
	forecast := newForecaster(env, spec.From, reader, &preview)
	streams := spec.Read == plans.ReadChangeStream
	for _, p := range pairs {
		if p.Collection.Name == "" {
			preview.Notes = append(preview.Notes, reader.Namespace(p.From)+" does not exist yet")
			continue
		}
		r := reading{collection: p.From, queries: sourceQueries(spec.Query, spec.Transform, collated(p.Collection)), units: copyReading(env.Step().Tuning)}
		note := collationNote(reader.Namespace(p.From), p.Collection, spec.Transform)
		if streams {
			if r, note, err = streamReading(ctx, reader, p.From); err != nil {
				return Preview{}, err
			}
		}
		if err := forecast.add(ctx, r); err != nil {
			return Preview{}, err
		}
		if note != "" {
			preview.Notes = append(preview.Notes, note)
		}
		preview.Notes = append(preview.Notes, fmt.Sprintf("%s → %s.%s", reader.Namespace(p.From), env.Plan().Connection(spec.To).Database, p.To))
	}
	if err := forecast.run(ctx, "reading alone"); err != nil {
		return Preview{}, err
	}
	switch {
	case spec.Transform == nil || spec.Transform.FilterText == "":
	case streams: // which takes no query
		preview.Notes = append(preview.Notes, filteredHere)
	default:
		preview.Notes = append(preview.Notes, filterNote(spec.Transform))
	}
	return preview, nil
}

func extendedJSON(document bson.Raw) string {
	text, err := bson.MarshalExtJSON(document, false, false)
	if err != nil {
		return document.String()
	}
	return string(text)
}

// Units beyond this number cost probes and gain nothing: a unit is shared while it runs.
const mostUnits = 512

// unitsFor is into how many units to cut a collection of that size.
func unitsFor(tuning plans.Tuning, stats endpoint.Stats) int64 {
	const leastDocuments = 5000 // a unit smaller than this is all overhead
	units := (stats.Documents + tuning.UnitDocuments - 1) / max(1, tuning.UnitDocuments)
	if spread := int64(4 * max(4, tuning.Workers)); units < spread {
		units = min(spread, stats.Documents/leastDocuments)
	}
	return max(1, min(units, mostUnits))
}

// copyReading is what dividing and reading a collection takes beside its documents.
func copyReading(tuning plans.Tuning) func(endpoint.Stats) (units, queries, probes int64) {
	return func(stats endpoint.Stats) (units, queries, probes int64) {
		units = unitsFor(tuning, stats)
		return units, units, 2 * units // of them two for the ends
	}
}

func (copyStep) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.CopySpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, err
	}
	pairs, notes, err := resolve(ctx, reader, spec.Selection)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, nothingSelected(reader, spec.Selection)
	}
	for _, note := range notes {
		env.Log("info", note)
	}
	var units []Unit
	for _, p := range pairs {
		if p.Collection.Name == "" {
			return nil, missingCollection(reader, p.From)
		}
		if err := createLike(ctx, env, writer, p); err != nil {
			return nil, err
		}
		var more []Unit
		if spec.Read == plans.ReadChangeStream {
			more, err = divideStreams(ctx, reader, writer, p)
		} else {
			more, err = divideCollection(ctx, env, reader, p)
		}
		if err != nil {
			return nil, err
		}
		units = append(units, more...)
	}
	return units, nil
}

// createLike creates the target's collection, so that an empty one arrives too, with the source's options
// where the target takes them.
func createLike(ctx context.Context, env Env, writer *endpoint.Writer, p pair) error {
	options := bson.Raw(p.Collection.Options)
	if len(options) <= 5 {
		return writer.CreateCollection(ctx, p.To, nil)
	}
	err := writer.CreateCollection(ctx, p.To, options)
	if err == nil || endpoint.Code(err) == 0 {
		return err
	}
	env.Log("warn", fmt.Sprintf("%s is created without the options %s of the source: %v", writer.Namespace(p.To), extendedJSON(options), err))
	return writer.CreateCollection(ctx, p.To, nil)
}

func divideCollection(ctx context.Context, env Env, reader *endpoint.Reader, p pair) ([]Unit, error) {
	stats, err := reader.Stats(ctx, p.From)
	if err != nil {
		return nil, err
	}
	partitions, err := reader.Partition(ctx, p.From, int(unitsFor(env.Step().Tuning, stats)), stats.Documents)
	if err != nil {
		return nil, fmt.Errorf("partition %s: %w", reader.Namespace(p.From), err)
	}
	var mean int64
	if stats.Documents > 0 {
		mean = stats.Bytes / stats.Documents
	}
	units := make([]Unit, len(partitions.Parts))
	for n, part := range partitions.Parts {
		body, err := json.Marshal(copyUnit{From: p.From, To: p.To, Range: part.Range, Mean: mean, Top: part.Top, Collated: collated(p.Collection)})
		if err != nil {
			return nil, err
		}
		units[n] = Unit{ID: fmt.Sprintf("%s/%05d", p.From, n), Spec: body, Expected: expected(part, stats)}
	}
	return units, nil
}

// expected is how many documents a part probably has; 0 where there is no telling. A part in which nothing was seen has
// one, so that it is not taken for one that may have any number and is asked to share them.
func expected(part endpoint.Part, stats endpoint.Stats) int64 {
	if stats.Documents <= 0 {
		return 0
	}
	return max(1, int64(part.Share*float64(stats.Documents)))
}

func (copyStep) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.CopySpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Result{}, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	var work copyUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	switch {
	case work.Check:
		return checkCoverage(ctx, env, reader, writer, unit, work, task)
	case work.Stream != nil:
		return readStream(ctx, env, reader, writer, unit, work, task)
	}
	var at copyCheckpoint
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	vacant := false
	if writer.Unacknowledged() && work.Range.Resumable() {
		if vacant, err = writer.Vacant(ctx, work.To, work.Range, at.After.RawValue); err != nil {
			return Result{}, err
		}
	}
	intended := task.Intended(writer.Namespace(work.To)) // by earlier attempts
	source := newCopyFeed(ctx, env, reader, spec, unit, work, at, task)
	defer source.close()
	flow := pipeline{memory: env.Memory(), task: task, newDeliverer: func() (deliverer, error) {
		d := newDelivery(writer, work.To, work.From, spec.OnConflict, task.Stopping())
		if spec.Transform != nil {
			d.transform = spec.Transform.NewWorker()
		}
		d.vacant, d.intend, d.intended = vacant, task.Intend, intended
		d.twins, d.unordered = countTwins(reader, work.From, d), work.Range.Bracket == endpoint.BracketOther
		return d, nil
	}}
	counts, err := flow.run(ctx, source, unit.Counts)
	return Result{Counts: counts}, err
}

func (copyStep) Finish(_ context.Context, _ Env, results []Result) (Result, error) {
	total := sum(results)
	total.noteConflicts()
	note, err := streamNote(results)
	if note != "" {
		total.Notes = append(total.Notes, note)
	}
	return total, err
}

// noteConflicts tells where not every conflict is listed.
func (r *Result) noteConflicts() {
	if conflicts := r.Counts.Conflicts(); conflicts > MostConflicts {
		r.Notes = append(r.Notes, fmt.Sprintf("of %d conflicts vida status --rejects lists %d", conflicts, MostConflicts))
	}
}

// sum adds up what the units of a step came to.
func sum(results []Result) Result {
	var total Result
	for _, r := range results {
		total.Counts = total.Counts.Plus(r.Counts)
		total.Notes = append(total.Notes, r.Notes...)
	}
	return total
}
