package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
)

// extractIndexes implements [Step]: it reads the indexes of a source, translates them into such as MongoDB takes,
// and keeps them for a create-indexes step, and in a file where the plan names one. A unit is a collection.
type extractIndexes struct{}

type extractUnit struct {
	Collection string         `json:"collection"`
	Missing    bool           `json:"missing,omitempty"`  // a generate step of the plan is to make it
	Collation  endpoint.Value `json:"collation,omitzero"` // the collection's default
}

// extracted is the step's output.
type extracted struct {
	Kept        int                  `json:"kept"`
	Changed     int                  `json:"changed"`
	Dropped     int                  `json:"dropped"`
	Collections []indexes.Documented `json:"collections"`
}

func (extractIndexes) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.ExtractIndexesSpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Preview{}, err
	}
	list, notes, err := readIndexes(ctx, env.Plan(), reader, spec)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Documents: -1, Bytes: -1, Units: int64(len(list)), RequestUnits: -1, Seconds: -1, Notes: notes}
	for _, c := range list {
		if len(c.Report.Entries) > 0 { // one that does not exist yet has not even that on _id
			preview.Notes = append(preview.Notes, reportNotes(reader.Namespace(c.Name), c.Report)...)
		}
	}
	if spec.Output != "" {
		preview.Notes = append(preview.Notes, "would write "+env.Plan().Beside(spec.Output))
	}
	return preview, nil
}

// readIndexes does all of the step at once but for the file.
func readIndexes(ctx context.Context, plan *plans.Plan, reader *endpoint.Reader, spec *plans.ExtractIndexesSpec) (list []indexes.Documented, notes []string, err error) {
	units, notes, err := extractUnits(ctx, plan, reader, spec)
	if err != nil {
		return nil, nil, err
	}
	for _, unit := range units {
		documented, err := unit.read(ctx, reader)
		if err != nil {
			return nil, nil, err
		}
		if unit.Missing {
			notes = append(notes, reader.Namespace(unit.Collection)+" does not exist yet")
		}
		list = append(list, documented)
	}
	return list, notes, nil
}

func extractUnits(ctx context.Context, plan *plans.Plan, reader *endpoint.Reader, spec *plans.ExtractIndexesSpec) (units []extractUnit, notes []string, err error) {
	pairs, notes, err := resolve(ctx, reader, spec.Selection)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pairs {
		unit := extractUnit{Collection: p.From, Missing: p.Collection.Name == ""}
		if unit.Missing && !generates(plan, spec.From, p.From) {
			return nil, nil, missingCollection(reader, p.From)
		}
		if collation, err := bson.Raw(p.Collection.Options).LookupErr("collation"); err == nil {
			unit.Collation = endpoint.Value{RawValue: collation}
		}
		units = append(units, unit)
	}
	return units, notes, nil
}

// generates tells whether a step of the plan makes a collection.
func generates(plan *plans.Plan, connection, collection string) bool {
	for _, step := range plan.Steps {
		if spec, ok := step.Spec.(*plans.GenerateSpec); ok && spec.To == connection && spec.Collection == collection {
			return true
		}
	}
	return false
}

func (u extractUnit) read(ctx context.Context, reader *endpoint.Reader) (indexes.Documented, error) {
	listing, err := reader.ListIndexes(ctx, u.Collection)
	if err != nil {
		return indexes.Documented{}, err
	}
	collation, _ := u.Collation.DocumentOK()
	source := indexes.Source{Cosmos: reader.Server().Kind == endpoint.KindCosmos, Collation: collation}
	return indexes.Documented{Name: u.Collection, Report: indexes.Translate(listing, source)}, nil
}

func (extractIndexes) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.ExtractIndexesSpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	work, notes, err := extractUnits(ctx, env.Plan(), reader, spec)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		env.Log("info", note)
	}
	units := make([]Unit, len(work))
	for n, unit := range work {
		body, err := json.Marshal(unit)
		if err != nil {
			return nil, err
		}
		units[n] = Unit{ID: unit.Collection, Spec: body}
	}
	return units, nil
}

func (extractIndexes) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.ExtractIndexesSpec)
	var work extractUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Result{}, err
	}
	reading, release := stoppable(ctx, task)
	defer release()
	documented, err := work.read(reading, reader)
	if err != nil {
		if stopping(task) && ctx.Err() == nil {
			return Result{}, ErrStopped
		}
		return Result{}, err
	}
	result := Result{Notes: reportNotes(reader.Namespace(work.Collection), documented.Report)}
	if work.Missing {
		result.Notes = []string{reader.Namespace(work.Collection) + " does not exist yet, so it has no indexes"}
	}
	result.Output, err = json.Marshal(documented)
	return result, err
}

func (extractIndexes) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	spec := env.Step().Spec.(*plans.ExtractIndexesSpec)
	total := sum(results)
	out := extracted{Collections: []indexes.Documented{}}
	for _, r := range results {
		var documented indexes.Documented
		if err := json.Unmarshal(r.Output, &documented); err != nil {
			return total, fmt.Errorf("the saved indexes: %w", err)
		}
		out.Kept += documented.Report.Count(indexes.Kept)
		out.Changed += documented.Report.Count(indexes.Changed)
		out.Dropped += documented.Report.Count(indexes.Dropped)
		out.Collections = append(out.Collections, documented)
	}
	var err error
	if total.Output, err = json.Marshal(out); err != nil || spec.Output == "" {
		return total, err
	}
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return total, err
	}
	notes, err := writeIndexFile(env.Plan().Beside(spec.Output), indexes.Write(indexFileHeading(reader), out.Collections))
	total.Notes = append(total.Notes, notes...)
	return total, err
}
