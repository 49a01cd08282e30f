package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
	"vida/steps/mongodump"
)

// restore implements [Step] and [Staged]: it brings the documents of a dump, then their indexes. A unit is a file of
// documents, or a whole archive, whose collections lie among one another; and then an index.
type restore struct{}

// restoreUnit is the spec of a unit.
type restoreUnit struct {
	File     dumpSource `json:"file,omitzero"`
	Database string     `json:"database,omitempty"` // of the dump
	// Collections are those to bring, by their names in the dump.
	Collections map[string]restoring `json:"collections,omitempty"`
	Files       int                  `json:"files,omitempty"` // of how many files it is one
	Index       *createUnit          `json:"index,omitempty"`
}

// restoring is what becomes of a collection of the dump.
type restoring struct {
	To      string          `json:"to"`
	Own     bool            `json:"own,omitempty"` // the target's collection was empty when the restore began
	Indexes []indexes.Index `json:"indexes,omitempty"`
}

// dumpSource is a file as it was when the step was divided.
type dumpSource struct {
	Name     string    `json:"name"` // below the dump; "." for the dump itself
	Archive  bool      `json:"archive,omitempty"`
	Gzip     bool      `json:"gzip,omitempty"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

func lookAt(input, path string) (dumpSource, error) {
	about, err := os.Stat(path)
	if err != nil {
		return dumpSource{}, err
	}
	name, err := filepath.Rel(input, path)
	return dumpSource{Name: name, Size: about.Size(), Modified: about.ModTime().UTC()}, err
}

// unchanged is an error where the file is no longer what it was: what was read of it would be of another one.
func (s dumpSource) unchanged(input string) error {
	path := filepath.Join(input, s.Name)
	now, err := lookAt(input, path)
	if err != nil {
		return err
	}
	if !s.same(now) {
		return fmt.Errorf("%s was changed after the restore was begun (then %d bytes of %s, now %d of %s): put it back, or start the step over with --restart",
			path, s.Size, s.Modified.Format(time.RFC3339), now.Size, now.Modified.Format(time.RFC3339))
	}
	return nil
}

func (s dumpSource) same(other dumpSource) bool {
	return s.Name == other.Name && s.Size == other.Size && s.Modified.Equal(other.Modified)
}

// open reads on from a position.
func (u restoreUnit) open(input string, from mongodump.Position) (*mongodump.Reader, error) {
	if err := u.File.unchanged(input); err != nil {
		return nil, err
	}
	path := filepath.Join(input, u.File.Name)
	if u.File.Archive {
		return mongodump.ReadArchive(path, from)
	}
	for name := range u.Collections {
		return mongodump.ReadDocuments(mongodump.Collection{Database: u.Database, Name: name, File: path, Gzip: u.File.Gzip}, from)
	}
	return nil, errors.New("internal error: a file of no collection")
}

func (u restoreUnit) wanted(place mongodump.Place) bool {
	_, wanted := u.Collections[place.Collection]
	return wanted && place.Database == u.Database
}

// restorePlan is what there is to bring.
type restorePlan struct {
	dump        *mongodump.Dump
	database    string
	collections []restoringCollection
	notes       []string
}

type restoringCollection struct {
	mongodump.Collection
	to string
}

// look finds out what there is in the dump of what the plan asks for.
func (restore) look(env Reader) (*restorePlan, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	dump, err := mongodump.Open(env.Plan().Beside(spec.Input))
	if err != nil {
		return nil, err
	}
	p := &restorePlan{dump: dump}
	if p.database, err = databaseOf(dump, spec.Database, env.Plan().Connection(spec.To).Database); err != nil {
		return nil, err
	}
	var list []endpoint.Collection
	byName := map[string]mongodump.Collection{}
	for _, c := range dump.Collections {
		if c.Database == p.database {
			list = append(list, endpoint.Collection{Name: c.Name, Type: c.Type})
			byName[c.Name] = c
		}
	}
	namespace := func(collection string) string { return p.database + "." + collection }
	pairs, notes, err := choose(namespace, list, spec.Selection)
	if err != nil {
		return nil, err
	}
	if p.notes = notes; dump.Oplog {
		p.notes = append(p.notes, dump.Path+" has an oplog, of what was written while it was made, which is not restored")
	}
	for _, pair := range pairs {
		switch c := byName[pair.From]; {
		case c.Problem != nil:
			return nil, c.Problem
		case pair.Collection.Name == "":
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
			}
			return nil, fmt.Errorf("%s has no collection %s: of %s it has %s", dump.Path, pair.From, p.database, orNone(names))
		case pair.Collection.Type != mongodump.TypeCollection:
			return nil, fmt.Errorf("%s is a %s, whose documents cannot be inserted: leave it out", namespace(pair.From), pair.Collection.Type)
		case !dump.Archive && c.File == "":
			return nil, fmt.Errorf("%s: of %s there is metadata, and no file of documents: leave it out, or find the file", dump.Path, namespace(pair.From))
		default:
			p.collections = append(p.collections, restoringCollection{c, pair.To})
		}
	}
	if len(p.collections) == 0 {
		return nil, fmt.Errorf("%s has nothing of %s that the step selects", dump.Path, p.database)
	}
	return p, nil
}

// databaseOf chooses a database of the dump.
func databaseOf(dump *mongodump.Dump, asked, target string) (string, error) {
	there := dump.Databases()
	switch {
	case asked != "" && !slices.Contains(there, asked):
		return "", fmt.Errorf("%s has no database %s: it has %s", dump.Path, asked, orNone(there))
	case asked != "":
		return asked, nil
	}
	there = slices.DeleteFunc(there, func(name string) bool { return name == "admin" || name == "config" || name == "local" })
	switch {
	case len(there) == 1:
		return there[0], nil
	case slices.Contains(there, target):
		return target, nil
	}
	return "", fmt.Errorf("%s has %s: name one of them with `database:`", dump.Path, cmp.Or(strings.Join(there, ", "), "no database"))
}

// indexes are those of a collection to create, as MongoDB takes them.
func (c restoringCollection) indexes() (list []indexes.Index, notes []string) {
	report := indexes.Translate(c.Metadata.Indexes, indexes.Source{})
	return report.Indexes(), reportNotes(c.Database+"."+c.Name, report)
}

func (r restore) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	preview := Preview{Documents: -1, Bytes: -1, Units: -1, RequestUnits: -1, Seconds: -1}
	p, err := r.look(env)
	if maker := dumpedBy(env.Plan(), spec); errors.Is(err, fs.ErrNotExist) && maker != nil {
		preview.Notes = append(preview.Notes, fmt.Sprintf("%s is not there yet: step %s writes it", env.Plan().Beside(spec.Input), maker.Name))
		return preview, nil
	}
	if err != nil {
		return preview, err
	}
	units, err := p.units()
	if err != nil {
		return preview, err
	}
	preview.Units, preview.Notes = int64(len(units)), append(preview.Notes, p.notes...)
	packed := false
	preview.Bytes = 0
	for _, unit := range units {
		preview.Bytes += unit.File.Size
		packed = packed || unit.File.Gzip
	}
	if packed {
		preview.Bytes = -1
		preview.Notes = append(preview.Notes, "the dump is compressed, so how much it holds is not known before it is read")
	}
	for _, c := range p.collections {
		preview.Notes = append(preview.Notes, fmt.Sprintf("%s.%s → %s.%s", c.Database, c.Name, env.Plan().Connection(spec.To).Database, c.to))
		if spec.Indexes {
			_, notes := c.indexes()
			preview.Notes = append(preview.Notes, notes...)
		}
	}
	return preview, nil
}

// dumpedBy is the step that writes what another one brings, nil where none does.
func dumpedBy(plan *plans.Plan, spec *plans.RestoreSpec) *plans.Step {
	for _, step := range plan.Steps {
		if dump, ok := step.Spec.(*plans.DumpSpec); ok && filepath.Clean(plan.Beside(dump.Output)) == filepath.Clean(plan.Beside(spec.Input)) {
			return step
		}
	}
	return nil
}

// units are one for each file.
func (p *restorePlan) units() ([]restoreUnit, error) {
	var units []restoreUnit
	for _, c := range p.collections {
		one := restoring{To: c.to}
		one.Indexes, _ = c.indexes()
		if p.dump.Archive && len(units) > 0 {
			units[0].Collections[c.Name] = one
			continue
		}
		file, err := lookAt(p.dump.Path, cmp.Or(c.File, p.dump.Path))
		if err != nil {
			return nil, err
		}
		file.Archive, file.Gzip = p.dump.Archive, c.Gzip || p.dump.Gzip
		units = append(units, restoreUnit{File: file, Database: p.database, Collections: map[string]restoring{c.Name: one}})
	}
	for n := range units {
		units[n].Files = len(units)
	}
	return units, nil
}

func (r restore) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	p, err := r.look(env)
	if err != nil {
		return nil, err
	}
	for _, note := range p.notes {
		env.Log("info", note)
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return nil, err
	}
	for _, c := range p.collections {
		like := pair{From: c.Name, To: c.to, Collection: endpoint.Collection{Options: c.Metadata.Options}}
		if err := createLike(ctx, env, writer, like); err != nil {
			return nil, err
		}
		if _, notes := c.indexes(); spec.Indexes {
			for _, note := range notes {
				env.Log("info", note)
			}
		}
	}
	files, err := p.units()
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, file := range files {
		for name, c := range file.Collections {
			if c.Own, err = writer.IsEmpty(ctx, c.To); err != nil {
				return nil, err
			}
			file.Collections[name] = c
		}
		body, err := json.Marshal(file)
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: "documents/" + filepath.Base(filepath.Join(p.dump.Path, file.File.Name)), Spec: body})
	}
	return units, nil
}

// Next implements [Staged]: when the documents are there come the indexes.
func (restore) Next(_ context.Context, env Env, done []DoneUnit) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	var units []Unit
	for _, unit := range done {
		var work restoreUnit
		if err := unit.work(&work); err != nil {
			return nil, err
		}
		if work.Index != nil || !spec.Indexes {
			return nil, nil
		}
		for _, c := range work.Collections {
			for _, index := range createUnits(wantedCollection{Name: c.To, Indexes: c.Indexes}) {
				body, err := json.Marshal(restoreUnit{Index: &index})
				if err != nil {
					return nil, err
				}
				units = append(units, Unit{ID: "indexes/" + c.To + "/" + index.Index.Name(), Spec: body})
			}
		}
	}
	return units, nil
}

func (restore) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	var work restoreUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	writer, err := env.Writer(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	if work.Index != nil {
		return work.Index.do(ctx, env, writer, task)
	}
	var at mongodump.Position
	if err := unit.goOn(&at); err != nil {
		return Result{}, err
	}
	input := env.Plan().Beside(spec.Input)
	documents, err := work.open(input, at)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = documents.Close() }()
	source := &restoreFeed{env: env, task: task, work: work, input: input, documents: documents}
	flow := pipeline{memory: env.Memory(), task: task, writers: work.writers(env.Tuning().Workers), newDeliverer: func() (deliverer, error) {
		return &restoreDelivery{open: func(collection string) *delivery {
			d := newDelivery(writer, collection, unit.ID, spec.OnConflict, task.Stopping())
			d.unordered, d.intend, d.intended = true, task.Intend, task.Intended(writer.Namespace(collection))
			d.owned = work.owns(collection)
			return d
		}}, nil
	}}
	counts, err := flow.run(ctx, source, unit.Counts)
	if err != nil && !errors.Is(err, ErrStopped) {
		err = fmt.Errorf("restore %s: %w", filepath.Join(input, work.File.Name), err)
	}
	if err != nil {
		return Result{Counts: counts}, err
	}
	output, err := json.Marshal(restoredFile{&work.File})
	return Result{Counts: counts, Output: output}, err
}

// owns tells whether all that a collection of the target has came from the dump.
func (u restoreUnit) owns(collection string) bool {
	for _, c := range u.Collections {
		if c.To == collection {
			return c.Own
		}
	}
	return false
}

// writers is how many batches of the file are written at the same time. There may be fewer files than workers, so that
// each has more writers than a unit of other steps.
func (u restoreUnit) writers(workers int) int {
	const adaptive, most = 8, 16
	return min(max(cmp.Or(workers, adaptive)/max(1, u.Files), writersPerUnit), most)
}

// restored is the step's output: what it was made of, and what became of the indexes.
type restored struct {
	Sources []dumpSource `json:"sources"`
	createdIndexes
}

// restoredFile is the output of a unit of documents.
type restoredFile struct {
	Source *dumpSource `json:"source"`
}

func (restore) Finish(_ context.Context, env Env, results []Result) (Result, error) {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	total := sum(results)
	total.noteConflicts()
	var out restored
	var created []Result
	for _, result := range results {
		var file restoredFile
		if err := json.Unmarshal(result.Output, &file); err != nil {
			return total, fmt.Errorf("the saved outcome of a file: %w", err)
		}
		if file.Source != nil {
			out.Sources = append(out.Sources, *file.Source)
			continue
		}
		created = append(created, result)
	}
	var failed, err error
	out.createdIndexes, failed = total.created(env.Plan().Connection(spec.To).Database, created)
	total.Output, err = json.Marshal(out)
	return total, errors.Join(failed, err)
}

// Outdated implements [Ageing]: who puts another dump there wants that one. One that is gone was brought.
func (r restore) Outdated(env Reader, result Result) string {
	spec := env.Step().Spec.(*plans.RestoreSpec)
	if maker := dumpedBy(env.Plan(), spec); maker != nil {
		if made, ok := env.Earlier(maker.Name); ok && dumpGone(env.Plan(), maker.Spec.(*plans.DumpSpec), made) != "" {
			return "step " + maker.Name + " makes another dump"
		}
	}
	var out restored
	plan, err := r.look(env)
	if err != nil || json.Unmarshal(result.Output, &out) != nil {
		return ""
	}
	units, err := plan.units()
	if err != nil {
		return ""
	}
	for _, unit := range units {
		if !slices.ContainsFunc(out.Sources, unit.File.same) {
			return filepath.Join(plan.dump.Path, unit.File.Name) + " is another one than was restored"
		}
	}
	return ""
}
