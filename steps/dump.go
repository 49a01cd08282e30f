package steps

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
	"vida/steps/mongodump"
)

// dump implements [Step] and [Staged]: it writes collections to files. A unit is a range of one collection's _id
// index, which becomes a part, a file of its own; when all of them are there, a unit a file puts parts together.
type dump struct{}

// dumpUnit is the spec of a unit.
type dumpUnit struct {
	copyUnit
	Empty    bool                `json:"empty,omitempty"` // the collection has no documents
	Assemble *mongodump.Assembly `json:"assemble,omitempty"`
}

// dumpCheckpoint is how far a part is: every document up to and including an _id is in so much of the file.
type dumpCheckpoint struct {
	copyCheckpoint
	Written mongodump.Written `json:"written"`
}

// dumpedPart is a unit's output.
type dumpedPart struct {
	From    string            `json:"from"`
	To      string            `json:"to"`
	Parts   string            `json:"parts"`          // the directory
	Part    string            `json:"part,omitempty"` // empty: the collection has no documents
	Written mongodump.Written `json:"written"`
}

func (dump) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.DumpSpec)
	reader, pairs, notes, err := selected(ctx, env, spec.From, spec.Selection)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Notes: notes, RequestUnits: -1, Seconds: -1}
	if len(pairs) == 0 {
		preview.Notes = append(preview.Notes, nothingSelected(reader, spec.Selection).Error())
	}
	forecast := newForecaster(env, spec.From, reader, &preview)
	for _, p := range pairs {
		if p.Collection.Name == "" {
			preview.Notes = append(preview.Notes, reader.Namespace(p.From)+" does not exist yet")
			continue
		}
		if err := forecast.add(ctx, reading{collection: p.From, queries: sourceQueries(spec.Query, nil, false), units: copyReading(env.Step().Tuning)}); err != nil {
			return Preview{}, err
		}
		if spec.Format == plans.FormatDirectory {
			file := filepath.Join(env.Plan().Beside(spec.Output), mongodump.DocumentsFile(reader.Database(), p.To, spec.Gzip))
			preview.Notes = append(preview.Notes, fmt.Sprintf("%s → %s", reader.Namespace(p.From), file))
		}
	}
	if err := forecast.run(ctx, "reading"); err != nil {
		return Preview{}, err
	}
	if spec.Format == plans.FormatArchive {
		preview.Notes = append(preview.Notes, "would write "+env.Plan().Beside(spec.Output))
	}
	if err := (dump{}).vacant(env, reader, pairs); err != nil {
		preview.Notes = append(preview.Notes, err.Error())
	}
	return preview, nil
}

// undumpable is an error for a view or a time series, of which a dump would have what cannot be restored.
func undumpable(namespace string, c endpoint.Collection) error {
	if c.Type == mongodump.TypeCollection {
		return nil
	}
	return fmt.Errorf("%s is a %s, which cannot be dumped: leave it out", namespace, c.Type)
}

// vacant is an error where the step would write over something.
func (dump) vacant(env Reader, reader *endpoint.Reader, pairs []pair) error {
	spec := env.Step().Spec.(*plans.DumpSpec)
	output := env.Plan().Beside(spec.Output)
	if spec.Format == plans.FormatArchive {
		return mongodump.Vacant(output)
	}
	for _, p := range pairs {
		for _, gzip := range []bool{false, true} { // one of each would be two dumps of one collection
			for _, file := range []string{mongodump.DocumentsFile(reader.Database(), p.To, gzip), mongodump.MetadataFile(reader.Database(), p.To, gzip)} {
				if err := mongodump.Vacant(filepath.Join(output, file)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dumpedBelow is the directory that the dump's files are named from.
func dumpedBelow(plan *plans.Plan, spec *plans.DumpSpec) string {
	output := plan.Beside(spec.Output)
	if spec.Format == plans.FormatArchive {
		return filepath.Dir(output)
	}
	return output
}

func (dump) workshop(env Reader) string {
	spec := env.Step().Spec.(*plans.DumpSpec)
	return mongodump.Workshop(env.Plan().Beside(spec.Output), spec.Format == plans.FormatArchive, env.Plan().Name+"-"+env.Step().Name)
}

func (d dump) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.DumpSpec)
	reader, pairs, notes, err := selected(ctx, env, spec.From, spec.Selection)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, nothingSelected(reader, spec.Selection)
	}
	for _, note := range notes {
		env.Log("info", note)
	}
	for _, p := range pairs {
		if p.Collection.Name == "" {
			return nil, missingCollection(reader, p.From)
		}
		if err := undumpable(reader.Namespace(p.From), p.Collection); err != nil {
			return nil, err
		}
	}
	if err := d.vacant(env, reader, pairs); err != nil {
		return nil, err
	}
	parts, err := d.prepare(env)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, p := range pairs {
		more, err := divideCollection(ctx, env, reader, p)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			more = []Unit{{ID: p.From + "/empty"}}
		}
		for _, unit := range more {
			work := dumpUnit{copyUnit: copyUnit{From: p.From, To: p.To}, Empty: unit.Spec == nil}
			if !work.Empty {
				if err := json.Unmarshal(unit.Spec, &work); err != nil {
					return nil, err
				}
			}
			work.Parts = parts
			if unit.Spec, err = json.Marshal(work); err != nil {
				return nil, err
			}
			units = append(units, unit)
		}
	}
	return units, nil
}

// prepare makes the directory of parts, without those of an attempt that was given up. No two attempts have one of the
// same name, so that none takes the parts of another for its own.
func (d dump) prepare(env Env) (parts string, err error) {
	workshop := d.workshop(env)
	if err := os.RemoveAll(workshop); err != nil {
		return "", err
	}
	parts = rand.Text()
	return parts, mongodump.MakeDirectory(filepath.Join(workshop, parts))
}

func (d dump) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	var work dumpUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	parts := filepath.Join(d.workshop(env), work.Parts)
	out := dumpedPart{From: work.From, To: work.To, Parts: work.Parts}
	switch {
	case work.Assemble != nil:
		return assemble(ctx, *work.Assemble, dumpedBelow(env.Plan(), env.Step().Spec.(*plans.DumpSpec)), parts, unit, task)
	case work.Empty:
		return out.result(unit.Counts)
	}
	spec := env.Step().Spec.(*plans.DumpSpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Result{}, err
	}
	var at dumpCheckpoint
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	source := newCopyFeed(ctx, env, reader, &plans.CopySpec{Query: spec.Query}, unit, work.copyUnit, at.copyCheckpoint, task)
	defer source.close()
	out.Part = mongodump.PartFile(unit.ID)
	form := mongodump.PartForm{Gzip: spec.Gzip}
	if spec.Format == plans.FormatArchive {
		form.Segment = &mongodump.Place{Database: reader.Database(), Collection: work.To}
	}
	w := &partWriter{env: env, task: task, counts: unit.Counts}
	if out.Written, err = w.write(ctx, filepath.Join(parts, out.Part), at.Written, form, source); err != nil {
		return Result{Counts: w.counts}, fmt.Errorf("dump %s: %w", reader.Namespace(work.From), err)
	}
	return out.result(w.counts)
}

func (p dumpedPart) result(counts Counts) (Result, error) {
	output, err := json.Marshal(p)
	return Result{Counts: counts, Output: output}, err
}

func (d dump) Finish(_ context.Context, env Env, results []Result) (Result, error) {
	below := dumpedBelow(env.Plan(), env.Step().Spec.(*plans.DumpSpec))
	total := sum(results)
	out := dumpedFiles{Files: []string{}}
	for _, r := range results {
		var one dumpedFiles
		if err := json.Unmarshal(r.Output, &one); err != nil {
			return total, fmt.Errorf("the saved outcome of a file: %w", err)
		}
		if len(one.Files) > 0 { // else that of a part
			out.Files = append(out.Files, one.Files...)
			total.Notes = append(total.Notes, "wrote "+filepath.Join(below, one.Files[0]))
		}
	}
	var err error
	if total.Output, err = json.Marshal(out); err != nil {
		return total, err
	}
	return total, os.RemoveAll(d.workshop(env))
}

// dumpedFiles is the output of the step, and of a unit that put a file together: the paths, the metadata's last.
type dumpedFiles struct {
	Files []string `json:"files"`
}

// Outdated implements [Ageing]: who moves a dump away wants another one.
func (dump) Outdated(env Reader, result Result) string {
	return dumpGone(env.Plan(), env.Step().Spec.(*plans.DumpSpec), result)
}

// dumpGone says that nothing is left of a dump; nothing where something is, over which another could not be made.
func dumpGone(plan *plans.Plan, spec *plans.DumpSpec, result Result) string {
	var out dumpedFiles
	if err := json.Unmarshal(result.Output, &out); err != nil || len(out.Files) == 0 {
		return ""
	}
	for _, file := range out.Files {
		if there, err := mongodump.IsThere(filepath.Join(dumpedBelow(plan, spec), file)); err != nil || there {
			return ""
		}
	}
	return "the dump " + plan.Beside(spec.Output) + " is no longer there"
}

// assemble puts a file together.
func assemble(ctx context.Context, file mongodump.Assembly, below, parts string, unit Unit, task Task) (Result, error) {
	var at mongodump.Assembled
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	working, release := stoppable(ctx, task)
	defer release()
	err := file.Run(working, below, parts, at, func(at mongodump.Assembled) error {
		state, err := json.Marshal(at)
		if err != nil {
			return err
		}
		return task.Save(Checkpoint{State: state})
	})
	if err != nil {
		if stopping(task) && ctx.Err() == nil && errors.Is(err, context.Canceled) {
			return Result{}, ErrStopped
		}
		return Result{}, fmt.Errorf("put %s together: %w", filepath.Join(below, file.Path), err)
	}
	files := dumpedFiles{Files: []string{file.Path}}
	if file.Beside != "" {
		files.Files = append(files.Files, file.Beside)
	}
	var result Result
	result.Output, err = json.Marshal(files)
	return result, err
}

// metadata is what the dump has of a collection beside its documents. Of Cosmos DB the indexes are such as MongoDB
// takes; of others they are as the server lists them.
func metadata(ctx context.Context, reader *endpoint.Reader, from, to string, options bson.Raw) (_ mongodump.Metadata, notes []string, err error) {
	listing, err := reader.ListIndexes(ctx, from)
	if err != nil {
		return mongodump.Metadata{}, nil, err
	}
	m := mongodump.Metadata{Collection: to, Type: mongodump.TypeCollection, Options: options, Indexes: listing}
	if reader.Server().Kind == endpoint.KindCosmos {
		report := indexes.Translate(listing, indexes.Source{Cosmos: true})
		notes, m.Indexes = reportNotes(reader.Namespace(from), report), []bson.Raw{mongodump.IDIndex()}
		for _, index := range report.Indexes() {
			m.Indexes = append(m.Indexes, index.Definition())
		}
	}
	return m, notes, nil
}
