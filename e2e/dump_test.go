package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

// documentsOf is every document of a file by its _id's type and bytes, read without vida's help.
func documentsOf(t testing.TB, path string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for len(content) > 0 {
		length := int(binary.LittleEndian.Uint32(content))
		document := bson.Raw(content[:length])
		if err := document.Validate(); err != nil {
			t.Fatal(err)
		}
		id := document.Lookup("_id")
		key := string(append([]byte{byte(id.Type)}, id.Value...))
		if _, twice := all[key]; twice {
			t.Errorf("two documents with _id %s", id)
		}
		all[key], content = string(document), content[length:]
	}
	return all
}

func sameDocuments(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	wrong := 0
	for key, document := range want {
		if got[key] != document {
			wrong++
		}
	}
	if wrong > 0 || len(got) != len(want) {
		t.Errorf("%s: %d of %d documents are missing or differ; it has %d", what, wrong, len(want), len(got))
	}
}

const everyFormat = `
	- {name: dump, type: dump, from: source, output: plain}
	- {name: dump-gzip, type: dump, from: source, output: packed, gzip: true}
	- {name: dump-archive, type: dump, from: source, output: all.archive, format: archive}
	- {name: dump-archive-gzip, type: dump, from: source, output: all.archive.gz, format: archive, gzip: true}
	- {name: restore, type: restore, input: plain, to: target, collections: [empty, orders]}
	- {name: restore-gzip, type: restore, input: packed, to: target, collections: [{from: orders, to: gzip}], tuning: {write_concern: 0}}
	- {name: restore-archive, type: restore, input: all.archive, to: target, collections: [{from: orders, to: archive}]}
	- {name: restore-archive-gzip, type: restore, input: all.archive.gz, to: target, collections: [{from: orders, to: archive-gzip}], indexes: false}
`

// Whatever is dumped comes back byte for byte, in every format, with its indexes.
func TestADumpComesBack(t *testing.T) {
	j := newJob(t)
	orders := j.source.Collection("orders")
	documents := numbered(3000)
	if !j.embedded() {
		documents = mixedDocuments(t, seed(t), 4000)
	}
	insert(t, orders, documents)
	if err := j.source.CreateCollection(t.Context(), "empty"); err != nil {
		t.Fatal(err)
	}
	createIndexes(t, orders, plainIndexes[:2]...)
	plan := j.planWith("formats", "tuning: {workers: 3, batch_documents: 300, max_memory: 64MiB}\n", everyFormat)

	looked := j.mustVida(0, "run", plan, "--dry-run")
	contains(t, "the dry run", looked.stdout, filepath.Join("plain", j.database, "orders.bson"), "would write "+filepath.Join(j.dir, "all.archive.gz"), "step dump writes it")
	if found, err := filepath.Glob(filepath.Join(j.dir, "*")); err != nil || len(found) != 1 {
		t.Errorf("a dry run leaves %v, %v", found, err)
	}

	report := j.run(0, plan)
	for _, step := range report.Steps {
		step.balanced(t)
		many := int64(len(documents))
		if want(t, step.Name, step.Read, many); step.Inserted != many {
			t.Errorf("%+v", step)
		}
	}
	sameDocuments(t, "the file", documentsOf(t, filepath.Join(j.dir, "plain", j.database, "orders.bson")), contents(t, orders))
	for _, name := range []string{"orders", "gzip", "archive", "archive-gzip"} {
		sameContents(t, orders, j.target.Collection(name))
		if name != "archive-gzip" {
			sameIndexes(t, orders, j.target.Collection(name))
		}
	}
	want(t, "indexes where none were asked for", int64(len(listed(t, j.target.Collection("archive-gzip")))), 1)
	names, err := j.target.ListCollectionNames(t.Context(), bson.D{{Key: "name", Value: "empty"}})
	if err != nil || len(names) != 1 {
		t.Errorf("the empty collection: %v, %v", names, err)
	}
	if left, err := filepath.Glob(filepath.Join(j.dir, "*", ".vida-*")); err != nil || len(left) > 0 {
		t.Errorf("parts are left: %v, %v", left, err)
	}
	j.run(0, plan) // all of it is done
}

// Killed at any instant, a dump goes on and has each document once, and so does a restore of it.
func TestADumpThatIsKilled(t *testing.T) {
	for _, format := range []string{"directory", "archive"} {
		t.Run(format, func(t *testing.T) {
			j := newJob(t)
			random := seed(t)
			source, target := j.tapped()
			orders := j.source.Collection("orders")
			insert(t, orders, numbered(max(2000, int(j.scale(8000)))))
			insert(t, j.source.Collection("more"), numbered(100))
			const tuning = "tuning: {batch_documents: 20, checkpoint_documents: 40, unit_documents: 300, workers: 3}\n"
			dump := j.planWith("dump-killed", tuning, fmt.Sprintf(`
				- {name: dump, type: dump, from: source, output: out, format: %s, gzip: %v}
			`, format, format == "archive"))
			j.killedToItsEnd(0, source, random, 5, func(kills int64) int64 { return 25 + 4*kills }, "run", dump, "--progress", "none")
			if format == "directory" {
				sameDocuments(t, "the file", documentsOf(t, filepath.Join(j.dir, "out", j.database, "orders.bson")), contents(t, orders))
			}
			restore := j.planWith("restore-killed", tuning, `
				- {name: restore, type: restore, input: out, to: target}
			`)
			j.killedToItsEnd(0, target, random, 5, func(kills int64) int64 { return 15 + 3*kills }, "run", restore, "--progress", "none")
			sameContents(t, orders, j.target.Collection("orders"))
			sameContents(t, j.source.Collection("more"), j.target.Collection("more"))
			step := j.run(0, restore).step(t, "restore")
			step.balanced(t)
			want(t, "restored", step.Read, count(t, orders)+100)
		})
	}
}

// slowly are rules for a source or a target that takes its time.
const slowly = `rules: [{command: find, action: delay, delay: 100ms}, {command: getMore, action: delay, delay: 100ms}, {command: insert, action: delay, delay: 100ms}]`

// partsWritten tells whether a dump to out has documents on disk.
func (j *job) partsWritten() bool {
	parts, err := filepath.Glob(filepath.Join(j.dir, "out", ".vida-dump-*", "*", "*"))
	for _, part := range parts {
		if about, err := os.Stat(part); err == nil && about.Size() > 0 {
			return true
		}
	}
	return err != nil
}

// A dump that is stopped goes on, and so does a restore; what is there of it before it is whole is not taken for a dump.
func TestADumpIsInterrupted(t *testing.T) {
	d := faulty(t)
	j := newJob(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(4000))
	plan := j.planWith("stopped", "tuning: {batch_documents: 20, checkpoint_documents: 20, workers: 2}\n", `
		- {name: dump, type: dump, from: source, output: out}
		- {name: restore, type: restore, input: out, to: target}
	`)
	d.rules("source", slowly)
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return r.hasEnded() || j.partsWritten() })
	r.signal(os.Interrupt)
	o := r.wait()
	if o.code != 130 || !strings.Contains(o.stderr, "vida run "+plan) {
		t.Fatalf("exit code %d, and to go on:\n%s", o.code, o.stderr)
	}
	dumped := j.report(o).step(t, "dump")
	if dumped.balanced(t); dumped.Status != "interrupted" || dumped.Read == 0 || dumped.Read == 4000 {
		t.Errorf("%+v", dumped)
	}
	d.rules("source", "rules: []")
	early := j.plan("early", `
		- {name: restore, type: restore, input: out, to: target}
	`)
	if o := j.mustVida(1, "run", early, "--progress", "none"); !strings.Contains(o.stdout, "it is not complete") {
		t.Errorf("got %s", o.stdout)
	}

	d.rules("target", slowly)
	r = j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return r.hasEnded() || count(t, j.target.Collection("orders")) >= 200 })
	r.signal(os.Interrupt)
	report := j.report(r.wait())
	if step := report.step(t, "dump"); step.Status != "succeeded" || step.Read != 4000 {
		t.Errorf("%+v", step)
	}
	restored := report.step(t, "restore")
	if restored.balanced(t); restored.Status != "interrupted" || restored.Inserted == 4000 {
		t.Errorf("%+v", restored)
	}
	want(t, "in the books", restored.Inserted, count(t, j.target.Collection("orders")))
	d.rules("target", "rules: []")
	restored = j.run(0, plan).step(t, "restore")
	want(t, "found identical", restored.Identical, 0)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

func TestADumpWritesOverNothing(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(50))
	plan := j.plan("twice", `
		- {name: dump, type: dump, from: source, output: out}
	`)
	j.run(0, plan)
	want(t, "of a second run", int64(len(j.dryRun(plan)["dump"].Notes)), 0)
	path := filepath.Join(j.dir, "out", j.database, "orders.bson")
	before := j.read(filepath.Join("out", j.database, "orders.bson"))
	// That a part of it is gone is no reason to make another one, over the rest.
	if err := os.Remove(filepath.Join(j.dir, "out", j.database, "orders.metadata.json")); err != nil {
		t.Fatal(err)
	}
	j.run(0, plan)
	for _, args := range [][]string{{"--restart", "dump"}, {"--restart", "dump", "--dry-run"}} {
		code := 1
		if len(args) == 3 {
			code = 0
		}
		o := j.mustVida(code, append([]string{"run", plan, "--progress", "none"}, args...)...)
		contains(t, "vida", o.stdout+o.stderr, path+" is there already: move it away, or dump to another place")
	}
	if after := j.read(filepath.Join("out", j.database, "orders.bson")); after != before {
		t.Error("the dump that was there has changed")
	}
	if err := os.RemoveAll(filepath.Join(j.dir, "out")); err != nil {
		t.Fatal(err)
	}
	j.run(0, plan) // who moves a dump away wants another one
	if after := j.read(filepath.Join("out", j.database, "orders.bson")); after != before {
		t.Error("the same documents make another file")
	}
}

func TestNoSpaceForADump(t *testing.T) {
	j := newJob(t)
	folder, grow := j.smallDisk("100k")
	insert(t, j.source.Collection("orders"), numbered(4000))
	plan := j.plan("small", `
		- {name: dump, type: dump, from: source, output: small}
	`)
	o := j.mustVida(1, "run", plan, "--progress", "none")
	contains(t, "vida", o.stdout, j.database+".orders", "no space left on device", folder)
	grow()
	j.run(0, plan)
	sameDocuments(t, "the file", documentsOf(t, filepath.Join(folder, j.database, "orders.bson")), contents(t, j.source.Collection("orders")))
}

// restoring is a job whose source has been dumped, and a plan that restores it.
func restoring(t *testing.T, documents []any, format, more string) (j *job, plan, path string) {
	t.Helper()
	j = newJob(t)
	insert(t, j.source.Collection("orders"), documents)
	j.run(0, j.plan("dump", fmt.Sprintf(`
		- {name: dump, type: dump, from: source, output: out, format: %s}
	`, format)))
	if path = filepath.Join(j.dir, "out"); format == "directory" {
		path = filepath.Join(path, j.database, "orders.bson")
	}
	return j, j.plan("restore", fmt.Sprintf(`
		- {name: restore, type: restore, input: out, to: target, tuning: {batch_documents: 20, workers: 1}, %s}
	`, more)), path
}

func edit(t testing.TB, path string, how func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged dump fails the restore, which says where; what was before the damage is there and in the books.
func TestADamagedDump(t *testing.T) {
	cut := func(content []byte) []byte { return content[:len(content)-30] }
	flip := func(content []byte) []byte {
		at := strings.Index(string(content), "order-000123")
		content[at]++
		return content
	}
	for name, test := range map[string]struct {
		format string
		how    func([]byte) []byte
		want   string
		before int64
	}{
		"a file that is cut off":     {"directory", cut, "the file ends inside of a document", 499},
		"an archive that is cut off": {"archive", cut, "the file ends inside of a document", 500},
		"a byte of an archive":       {"archive", flip, "are not those that were dumped", 500},
		"no document":                {"directory", func(content []byte) []byte { return append(content, 1, 0, 0, 0, 0) }, "no document has 1 bytes", 500},
		"another file":               {"archive", func([]byte) []byte { return []byte("PK\x03\x04") }, "not an archive of mongodump", 0},
	} {
		t.Run(name, func(t *testing.T) {
			j, plan, path := restoring(t, numbered(500), test.format, "indexes: true")
			edit(t, path, test.how)
			o := j.mustVida(1, "run", plan, "--progress", "none", "--output", "json")
			contains(t, "vida", o.stderr+o.stdout, path, test.want)
			restored := j.report(o).step(t, "restore")
			restored.balanced(t)
			want(t, "in the books, of those before the damage", restored.Inserted, test.before)
			want(t, "in the target", count(t, j.target.Collection("orders")), test.before)
		})
	}
}

// A dump that was changed under a restore is not gone on with.
func TestADumpThatChangesUnderARestore(t *testing.T) {
	j, plan, path := restoring(t, numbered(500), "directory", "indexes: false")
	var whole []byte
	edit(t, path, func(content []byte) []byte {
		whole = content
		return content[:len(content)-30]
	})
	j.mustVida(1, "run", plan, "--progress", "none")
	edit(t, path, func(content []byte) []byte { return append(content, content...) })
	o := j.mustVida(1, "run", plan, "--progress", "none")
	contains(t, "vida", o.stdout, path+" was changed after the restore was begun", "--restart")

	// Nor is one taken for whole that somebody still writes to.
	d := faulty(t)
	j.through(d)
	d.rules("target", `rules: [{command: insert, action: delay, delay: 500ms}]`)
	defer d.rules("target", "rules: []")
	edit(t, path, func([]byte) []byte { return whole })
	if err := j.target.Collection("orders").Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := j.start("run", plan, "--restart", "restore", "--progress", "none")
	waitFor(t, func() bool { return r.hasEnded() || count(t, j.target.Collection("orders")) > 0 })
	edit(t, path, func(content []byte) []byte { return content })
	if o := r.wait(); o.code != 1 || !strings.Contains(o.stdout, path+" was changed after the restore was begun") {
		t.Errorf("exit code %d:\n%s", o.code, o.stdout)
	}
}

// What is done stays done until there is another dump to bring.
func TestARestoreBringsANewDump(t *testing.T) {
	j, plan, path := restoring(t, numbered(100), "directory", "indexes: false")
	j.run(0, plan)
	j.run(0, plan)
	orders := j.target.Collection("orders")
	if err := orders.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.run(0, plan)
	want(t, "done before", count(t, orders), 0)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	o := j.mustVida(0, "run", plan, "--dry-run")
	contains(t, "the dry run", o.stdout, path+" is another one than was restored")
	j.run(0, plan)
	want(t, "another dump", count(t, orders), 100)
	dumpAgain := j.planWith("both", "", `
		- {name: check, type: check-connections}
		- {name: dump, type: dump, from: source, output: both}
		- {name: restore, type: restore, input: both, to: target, collections: [{from: orders, to: both}]}
	`)
	j.run(0, dumpAgain)
	if err := os.RemoveAll(filepath.Join(j.dir, "both")); err != nil {
		t.Fatal(err)
	}
	for name, step := range j.dryRun(dumpAgain) {
		if step.Action != "run" {
			t.Errorf("%s would %s once the dump is gone", name, step.Action)
		}
	}
	want(t, "identical", j.run(0, dumpAgain).step(t, "restore").Identical, 100)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	j.run(0, plan)
}

// An index that could not be created is tried again by the same command, without the documents.
func TestAnIndexOfARestoreIsTriedAgain(t *testing.T) {
	j := newJob(t)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	documents := numbered(100)
	for n := range documents {
		documents[n] = append(documents[n].(bson.D), bson.E{Key: "number", Value: n})
	}
	insert(t, j.source.Collection("orders"), documents)
	plan := j.plan("indexes", `
		- {name: dump, type: dump, from: source, output: out}
		- {name: restore, type: restore, input: out, to: target}
	`)
	orders := j.target.Collection("orders")
	insert(t, orders, []any{bson.D{{Key: "_id", Value: "mine"}, {Key: "number", Value: 7}}})
	o := j.mustVida(1, "run", plan, "--progress", "none")
	contains(t, "vida", o.stdout, "1 of 3 indexes could not be created", "number_1")
	contains(t, "the dry run", j.mustVida(0, "run", plan, "--dry-run").stdout, "3 of 4 units and 100 documents are done")
	if _, err := orders.DeleteOne(t.Context(), bson.D{{Key: "_id", Value: "mine"}}); err != nil {
		t.Fatal(err)
	}
	step := j.run(0, plan).step(t, "restore")
	step.balanced(t)
	want(t, "read", step.Read, 100)
	want(t, "sent again", step.Identical, 0)
	want(t, "documents", count(t, orders), 100)
	sameIndexes(t, j.source.Collection("orders"), orders)
}

// A dump of a sharded collection may have two documents of one _id, far from each other: neither takes the place of
// the other.
func TestTwinsOfADump(t *testing.T) {
	for _, policy := range []string{"fail", "skip", "replace"} {
		t.Run(policy, func(t *testing.T) {
			j, plan, path := restoring(t, numbered(300), "directory", "indexes: false, on_conflict: "+policy)
			twin, err := bson.Marshal(bson.D{{Key: "_id", Value: "order-000003"}, {Key: "twin", Value: true}})
			if err != nil {
				t.Fatal(err)
			}
			edit(t, path, func(content []byte) []byte { return append(content, twin...) })
			step := j.run(3, plan).step(t, "restore")
			step.balanced(t)
			want(t, "rejected", step.Rejected, 1)
			want(t, "inserted", step.Inserted, 300)
			if got := ids(j.rejects(plan).Rejects, "rejected"); got != `"order-000003"` {
				t.Errorf("rejected: %s", got)
			}
			step = j.run(3, plan, "--retry-rejects").step(t, "restore")
			want(t, "rejected again", step.Rejected, 1)
		})
	}
}

// Where vida is run makes no difference, and neither does what another run of the plan does with its own parts.
func TestADumpIsGoneOnWithFromAnotherFolder(t *testing.T) {
	d := faulty(t)
	j := newJob(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(2000))
	j.planWith("moved", "tuning: {batch_documents: 20, checkpoint_documents: 20, workers: 2}\n", `
		- {name: dump, type: dump, from: source, output: out, format: archive}
		- {name: restore, type: restore, input: out, to: target}
	`)
	halfWay := func(side string, there func() bool, args ...string) {
		t.Helper()
		d.rules(side, slowly)
		defer d.rules(side, "rules: []")
		r := j.start(append([]string{"run", "moved.yaml", "--progress", "none"}, args...)...)
		waitFor(t, func() bool { return r.hasEnded() || there() })
		r.signal(os.Interrupt)
		if o := r.wait(); o.code != 130 {
			t.Fatalf("exit code %d:\n%s", o.code, o.stdout)
		}
	}
	parts := func() string { // the directory in which there are parts
		found, err := filepath.Glob(filepath.Join(j.dir, ".vida-archive-*", "*", "*"))
		if err != nil || len(found) == 0 {
			return ""
		}
		return filepath.Dir(found[0])
	}
	halfWay("source", func() bool { return parts() != "" })
	first := parts()
	halfWay("source", func() bool { return parts() != "" && parts() != first }, "--state", "other") // throws them away
	home := j.dir
	j.dir = filepath.Dir(home)
	moved := filepath.Join(home, "moved.yaml")
	o := j.mustVida(1, "run", moved, "--progress", "none")
	contains(t, "vida", o.stdout, "the parts of this dump are gone", "--restart")
	o = j.mustVida(0, "run", moved, "--only", "dump", "--progress", "none", "--state", filepath.Join(home, "other"))
	j.dir = home
	halfWay("target", func() bool { return count(t, j.target.Collection("orders")) > 100 }, "--state", "other")
	j.dir = filepath.Dir(home)
	j.mustVida(0, "run", moved, "--progress", "none", "--state", filepath.Join(home, "other"))
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// What the target holds already goes by the plan, and what it refuses is tried again, from the dump.
func TestConflictsAndRejectsOfARestore(t *testing.T) {
	for _, format := range []string{"directory", "archive"} {
		t.Run(format, func(t *testing.T) {
			documents := numbered(400)
			for n := range documents { // every 100th shares its number with the one before
				documents[n] = append(documents[n].(bson.D), bson.E{Key: "number", Value: n - n%100/99})
			}
			j, plan, _ := restoring(t, documents, format, "on_conflict: skip, collections: [{from: orders, to: sales}]")
			sales := j.target.Collection("sales")
			unique(t, sales, "number")
			insert(t, sales, []any{documents[7], bson.D{{Key: "_id", Value: "order-000008"}, {Key: "mine", Value: true}}})
			restored := j.run(3, plan).step(t, "restore")
			restored.balanced(t)
			want(t, "identical", restored.Identical, 1)
			want(t, "skipped", restored.Skipped, 1)
			want(t, "rejected", restored.Rejected, 4)
			list := j.rejects(plan)
			if got := ids(list.Conflicts, "skipped"); got != `"order-000008"` {
				t.Errorf("conflicts: %s", got)
			}
			want(t, "listed", int64(len(list.Rejects)), 4)
			if _, err := sales.Indexes().DropOne(t.Context(), "number"); err != nil {
				t.Fatal(err)
			}
			restored = j.run(0, plan, "--retry-rejects").step(t, "restore")
			restored.balanced(t)
			want(t, "inserted", restored.Inserted, 398)
			want(t, "in the target", count(t, sales), 400)
		})
	}
}

// A dump of mongodump has several databases, views and collections that are not asked for.
func TestWhatOfADumpIsRestored(t *testing.T) {
	j, _, path := restoring(t, numbered(20), "directory", "indexes: true")
	other := filepath.Join(j.dir, "out", "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"orders.bson": string(content), "logs.bson": string(content), "seen.metadata.json": `{"options":{"viewOn":"orders","pipeline":[]},"indexes":[]}`,
	} {
		writeFile(t, filepath.Join(other, name), text)
	}
	try := func(code int, more string, says ...string) *mongo.Database {
		t.Helper()
		plan := j.plan(fmt.Sprintf("try-%d", time.Now().UnixNano()), "\n\t- {name: restore, type: restore, input: out, to: target, "+more+"}\n")
		o := j.mustVida(code, "run", plan, "--progress", "plain")
		contains(t, "vida", o.stdout+o.stderr, says...)
		return j.target
	}
	try(0, "collections: [{from: orders, to: own}]") // the database of the target's name is meant
	sameContents(t, j.source.Collection("orders"), j.target.Collection("own"))
	try(0, "database: other, exclude: [logs]", "other.seen is a view and is left out")
	want(t, "restored", count(t, j.target.Collection("orders")), 20)
	want(t, "left out", count(t, j.target.Collection("logs")), 0)
	try(1, "database: others", "has no database others: it has "+"other, "+j.database)
	try(1, "database: other, collections: [log]", "has no collection log: of other it has")
	try(1, "database: other, collections: [seen]", "other.seen is a view")
	try(1, "database: other, collections: [x*]", "nothing of other that the step selects")
	if err := os.Rename(filepath.Join(j.dir, "out", j.database), filepath.Join(j.dir, "out", "third")); err != nil {
		t.Fatal(err)
	}
	try(1, "indexes: true", "name one of them with `database:`")
	if err := os.RemoveAll(filepath.Join(j.dir, "out")); err != nil {
		t.Fatal(err)
	}
	try(1, "indexes: true", "no such file or directory")
}

// From a Cosmos DB account that throttles, at its request units, with indexes that MongoDB takes.
func TestADumpOfCosmosDB(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--request-units", "4000", "--background", "2000", "--physical-partitions", "2",
		"--source-faults", j.file("faults.yaml", "rules:\n  - {command: find, skip: 2, times: 1, action: reset}\n"))
	j.through(d)
	documents := make([]any, 600)
	for n := range documents {
		documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: make([]byte, 1000)}}
	}
	orders := j.source.Collection("orders")
	insert(t, orders, documents)
	createIndexes(t, orders, plainIndexes[0])
	plan := j.planWith("cosmos", "tuning: {batch_documents: 50, unit_documents: 200, workers: 4}\n", `
		- {name: dump, type: dump, from: source, output: out}
	`)
	estimate := j.dryRun(plan)["dump"]
	before := d.cosmos().Charged.Total
	step := j.run(0, plan).step(t, "dump")
	step.balanced(t)
	within(t, "request units", step.RequestUnits, d.cosmos().Charged.Total-before, 0.05)
	within(t, "the estimate", estimate.RequestUnits, step.RequestUnits, 0.3) // which knows nothing of faults
	sameDocuments(t, "the file", documentsOf(t, filepath.Join(j.dir, "out", j.database, "orders.bson")), contents(t, orders))
	about := j.read(filepath.Join("out", j.database, "orders.metadata.json"))
	contains(t, "the metadata", about, `"name":"_id_"`, `"name":"status_1"`)
	if strings.Contains(about, `"ns"`) || strings.Contains(about, "_ts") {
		t.Errorf("the metadata has what only Cosmos DB knows: %s", about)
	}
}
