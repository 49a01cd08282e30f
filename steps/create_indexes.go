package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
)

// createIndexes implements [Step]: it creates indexes in the target. A unit is an index. One that fails does not
// keep the others from being created; the step then fails in the end and names each.
type createIndexes struct{}

type createUnit struct {
	Collection string        `json:"collection"`
	Index      indexes.Index `json:"index"`
	// Others are those on the same key that the collection is to have as well.
	Others []indexes.Index `json:"others,omitempty"`
}

// What became of an index.
const (
	indexCreated   = "created"
	indexIdentical = "identical" // was there already
	indexFailed    = "failed"
)

// createdIndex is a unit's output.
type createdIndex struct {
	Collection string        `json:"collection"`
	Name       string        `json:"name"`
	Status     string        `json:"status"`
	Error      string        `json:"error,omitempty"`
	Notes      []string      `json:"notes,omitempty"`
	Index      indexes.Index `json:"definition"`
}

// createdIndexes is the step's output.
type createdIndexes struct {
	Created   int            `json:"created"`
	Identical int            `json:"identical"`
	Failed    int            `json:"failed"`
	Indexes   []createdIndex `json:"indexes"`
}

func createOrigin(spec *plans.CreateIndexesSpec) indexOrigin {
	return indexOrigin{step: spec.Indexes, file: spec.File}
}

func (createIndexes) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.CreateIndexesSpec)
	wanted, err := createOrigin(spec).wanted(ctx, env, spec.Selection, true)
	if err != nil {
		return Preview{}, err
	}
	reader, err := env.Reader(ctx, spec.To)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Documents: -1, Bytes: -1, RequestUnits: -1, Seconds: -1}
	for _, c := range wanted {
		have, err := listed(ctx, reader, c.Name)
		if err != nil {
			return Preview{}, err
		}
		if len(c.Indexes) == 0 {
			preview.Notes = append(preview.Notes, reader.Namespace(c.Name)+": no indexes to create")
		}
		for _, unit := range createUnits(c) {
			preview.Units++
			preview.Notes = append(preview.Notes, unit.preview(reader.Namespace(c.Name), have))
		}
	}
	return preview, nil
}

func (u createUnit) preview(namespace string, have []indexes.Index) string {
	there, conflict := u.find(have)
	switch {
	case conflict != "":
		return fmt.Sprintf("%s: cannot create %s: %s", namespace, u.Index.Name(), conflict)
	case there != "":
		return fmt.Sprintf("%s: %s is there already", namespace, there)
	}
	return fmt.Sprintf("%s: would create %s", namespace, u.Index)
}

func createUnits(c wantedCollection) []createUnit {
	units := make([]createUnit, 0, len(c.Indexes))
	for n, index := range c.Indexes {
		unit := createUnit{Collection: c.Name, Index: index}
		for m, other := range c.Indexes {
			if m != n && indexes.SameKey(index, other) {
				unit.Others = append(unit.Others, other)
			}
		}
		units = append(units, unit)
	}
	return units
}

// listed returns the indexes of a collection as a server has them.
func listed(ctx context.Context, reader *endpoint.Reader, collection string) ([]indexes.Index, error) {
	listing, err := reader.ListIndexes(ctx, collection)
	return indexes.Listed(listing), err
}

func (createIndexes) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.CreateIndexesSpec)
	wanted, err := createOrigin(spec).wanted(ctx, env, spec.Selection, false)
	if err != nil {
		return nil, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, c := range wanted {
		// Not every server makes the collection of an index by itself; one without indexes is made as well.
		if err := writer.CreateCollection(ctx, c.Name, nil); err != nil {
			return nil, err
		}
		for _, work := range createUnits(c) {
			body, err := json.Marshal(work)
			if err != nil {
				return nil, err
			}
			units = append(units, Unit{ID: c.Name + "/" + work.Index.Name(), Spec: body})
		}
	}
	return units, nil
}

func (createIndexes) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.CreateIndexesSpec)
	var work createUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	return work.do(ctx, env, writer, task)
}

// do creates the unit's index. What the server refuses for good is a unit that is done, for Finish to tell.
func (u createUnit) do(ctx context.Context, env Env, writer *endpoint.Writer, task Task) (Result, error) {
	// The server goes on building when nobody waits; a later run finds what it made.
	building, release := stoppable(ctx, task)
	defer release()
	out, err := u.create(building, writer)
	if err != nil {
		if stopping(task) && ctx.Err() == nil {
			return Result{}, ErrStopped
		}
		return Result{}, err
	}
	if out.Status == indexFailed {
		env.Log("warn", fmt.Sprintf("%s: %s: %s", writer.Namespace(u.Collection), out.Name, out.Error))
	}
	result := Result{FellShort: out.Status == indexFailed}
	result.Output, err = json.Marshal(out)
	return result, err
}

func (createIndexes) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	spec := env.Step().Spec.(*plans.CreateIndexesSpec)
	database := env.Plan().Connection(spec.To).Database
	total := sum(results)
	out, err := total.created(database, results)
	if len(results) == 0 {
		total.Notes = append(total.Notes, "there are no indexes to create")
	}
	if err != nil {
		return total, err
	}
	return total, stale(ctx, env, spec, out.Indexes)
}

// created makes of what became of indexes, each of which is the output of a unit, the output and the notes of the step.
// The error names each that could not be created.
func (r *Result) created(database string, units []Result) (createdIndexes, error) {
	out := createdIndexes{Indexes: []createdIndex{}}
	var failures []string
	for _, unit := range units {
		var one createdIndex
		if err := json.Unmarshal(unit.Output, &one); err != nil {
			return out, fmt.Errorf("the saved outcome of an index: %w", err)
		}
		out.Indexes = append(out.Indexes, one)
		switch one.Status {
		case indexCreated:
			out.Created++
		case indexIdentical:
			out.Identical++
		default:
			out.Failed++
			failures = append(failures, fmt.Sprintf("%s.%s: %s: %s", database, one.Collection, one.Index, one.Error))
		}
	}
	r.Notes = append(r.Notes, creationNotes(database, out.Indexes)...)
	var err error
	if r.Output, err = json.Marshal(out); err != nil {
		return out, err
	}
	if len(failures) > 0 {
		err = fmt.Errorf("%d of %d indexes could not be created:\n%s", len(failures), len(units), strings.Join(failures, "\n"))
	}
	return out, err
}

// creationNotes tells of each collection what was created and what was there.
func creationNotes(database string, list []createdIndex) []string {
	var notes []string
	names := map[string]map[string][]string{}
	var order []string
	for _, one := range list {
		if names[one.Collection] == nil {
			names[one.Collection] = map[string][]string{}
			order = append(order, one.Collection)
		}
		names[one.Collection][one.Status] = append(names[one.Collection][one.Status], one.Name)
	}
	for _, collection := range order {
		for _, status := range []struct{ key, text string }{{indexCreated, "created"}, {indexIdentical, "there already:"}} {
			if some := names[collection][status.key]; len(some) > 0 {
				notes = append(notes, fmt.Sprintf("%s.%s: %s %s", database, collection, status.text, strings.Join(some, ", ")))
			}
		}
	}
	for _, one := range list {
		for _, note := range one.Notes {
			notes = append(notes, fmt.Sprintf("%s.%s: %s: %s", database, one.Collection, one.Name, note))
		}
	}
	return notes
}

// stale is an error when the file says something else by now than when the step was begun.
func stale(ctx context.Context, env Env, spec *plans.CreateIndexesSpec, done []createdIndex) error {
	if spec.File == "" {
		return nil
	}
	wanted, err := createOrigin(spec).wanted(ctx, env, spec.Selection, false)
	if err != nil {
		return err
	}
	if sameWanted(wanted, created(done)) {
		return nil
	}
	return errors.New(env.Plan().Beside(spec.File) + " was edited after this step was begun, which created what it said before: run the same command again, which creates what it says now")
}

// Outdated implements [Ageing]: the file may have been edited.
func (createIndexes) Outdated(env Reader, result Result) string {
	spec := env.Step().Spec.(*plans.CreateIndexesSpec)
	var out createdIndexes
	if err := json.Unmarshal(result.Output, &out); err != nil {
		return ""
	}
	return createOrigin(spec).edited(env, spec.Selection, created(out.Indexes))
}

// created are the definitions that were created, by collection.
func created(list []createdIndex) []wantedCollection {
	var collections []wantedCollection
	for _, one := range list {
		collections = append(collections, wantedCollection{Name: one.Collection, Indexes: []indexes.Index{one.Index}})
	}
	return collections
}
