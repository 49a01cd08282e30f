package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

// createIndexes creates indexes of extended JSON definitions.
func createIndexes(t testing.TB, collection *mongo.Collection, definitions ...string) {
	t.Helper()
	for _, text := range definitions {
		var definition bson.Raw
		if err := bson.UnmarshalExtJSON([]byte(text), false, &definition); err != nil {
			t.Fatal(err)
		}
		command := bson.D{{Key: "createIndexes", Value: collection.Name()}, {Key: "indexes", Value: bson.A{definition}}}
		if err := collection.Database().RunCommand(context.Background(), command).Err(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// listed is every index of a collection by name, as its server lists it, but for what DocumentDB notes for itself.
func listed(t testing.TB, collection *mongo.Collection) map[string]string {
	t.Helper()
	cursor, err := collection.Indexes().List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var list []bson.Raw
	if err := cursor.All(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, index := range list {
		all[index.Lookup("name").StringValue()] = strings.ReplaceAll(index.String(), `,"storageEngine": {"enableOrderedIndex": true}`, "")
	}
	return all
}

func sameIndexes(t testing.TB, source, target *mongo.Collection) {
	t.Helper()
	want, got := listed(t, source), listed(t, target)
	for name, definition := range want {
		if got[name] != definition {
			t.Errorf("%s is %s, want %s", name, got[name], definition)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d indexes, want %d: %v", len(got), len(want), got)
	}
}

func (j *job) read(name string) string {
	j.t.Helper()
	text, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(text)
}

// contains checks that a text says each of the parts.
func contains(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}

const indexSteps = `
	- name: indexes
	  type: extract-indexes
	  from: source
	  collections: [orders]
	  output: indexes.yaml
	- name: create
	  type: create-indexes
	  to: target
	  indexes: indexes
	- name: verify
	  type: verify-indexes
	  from: source
	  to: target
	  collections: [orders]
`

// plainIndexes are such as both engines have.
var plainIndexes = []string{
	`{"key": {"status": 1}, "name": "status_1"}`,
	`{"key": {"at": -1, "customer.email": 1}, "name": "by time"}`,
	`{"key": {"number": 1}, "name": "number_1", "unique": true}`,
}

func TestIndexesArrive(t *testing.T) {
	j := newJob(t)
	orders := j.source.Collection("orders")
	createIndexes(t, orders, plainIndexes...)
	plan := j.plan("arrive", indexSteps)

	looked := j.mustVida(0, "run", plan, "--dry-run")
	contains(t, "the dry run", looked.stdout, "kept _id_", "status_1", "would write", "would create by time {at: -1, customer.email: 1}", "would create number_1 {number: 1} unique")
	if _, err := os.Stat(filepath.Join(j.dir, "indexes.yaml")); !os.IsNotExist(err) {
		t.Errorf("the dry run wrote the file: %v", err)
	}
	if names, err := j.target.ListCollectionNames(context.Background(), bson.D{}); err != nil || len(names) != 0 {
		t.Errorf("the dry run wrote to the target: %v %v", names, err)
	}

	report := j.run(0, plan)
	contains(t, "extract", report.step(t, "indexes").notes(), j.database+".orders: kept _id_", "by time, number_1, status_1")
	contains(t, "create", report.step(t, "create").notes(), "orders: created by time, number_1, status_1")
	contains(t, "verify", report.step(t, "verify").notes(), "3 of 3 indexes are equal")
	want(t, "units", report.step(t, "create").UnitsDone, 3)
	sameIndexes(t, orders, j.target.Collection("orders"))
	contains(t, "the file", j.read("indexes.yaml"), "- name: status_1\n      key: {status: 1}\n", "- name: \"by time\"\n      key: {at: -1, customer.email: 1}\n", "unique: true")

	again := j.run(0, plan, "--restart", "create").step(t, "create")
	contains(t, "create again", again.notes(), "there already: by time, number_1, status_1")
}

func TestVerifyIndexesTellsWhatDiffers(t *testing.T) {
	j := newJob(t)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	createIndexes(t, j.target.Collection("orders"), `{"key": {"status": 1}, "name": "status"}`, `{"key": {"number": 1}, "name": "number_1"}`, `{"key": {"own": 1}, "name": "own_1"}`)
	step := j.run(3, j.plan("verify", indexSteps), "--only", "verify").step(t, "verify")
	want(t, "missing", step.Missing, 1)
	want(t, "differing", step.Differing, 1)
	want(t, "unexpected", step.Unexpected, 1)
	contains(t, "verify", step.notes(), "MISSING by time {at: -1, customer.email: 1}", "DIFFERENT number_1: without unique, wanted unique: true", "UNEXPECTED own_1 {own: 1}", "status_1 is called status in the target", "1 of 3 indexes are equal")
	text := j.mustVida(3, "run", j.plan("verify", indexSteps), "--only", "verify", "--progress", "none")
	contains(t, "the summary", text.stdout, "1 missing, 1 differing, 1 unexpected", "Indexes differ, as told above")
}

// Every type of index and every option that the engine has arrives as it was, through the step and through the file.
func TestEveryKindOfIndexArrives(t *testing.T) {
	j := newJob(t)
	j.documentDB()
	orders := j.source.Collection("orders")
	createIndexes(t, orders,
		`{"key": {"a": {"$numberDouble": "1.0"}, "b": {"$numberLong": "-1"}}, "name": "types"}`,
		`{"key": {"s": 1}, "name": "sparse", "sparse": true}`,
		`{"key": {"u": 1, "v": 1}, "name": "unique", "unique": true}`,
		`{"key": {"p": 1}, "name": "partial", "partialFilterExpression": {"p": {"$gt": {"$numberLong": "5"}}, "q": {"$exists": true}}}`,
		`{"key": {"t": 1}, "name": "ttl", "expireAfterSeconds": 3600}`,
		`{"key": {"h": "hashed"}, "name": "hashed"}`,
		`{"key": {"g": "2dsphere"}, "name": "2dsphere"}`,
		`{"key": {"g2": "2d"}, "name": "2d", "bits": 20, "min": -10, "max": 10}`,
		`{"key": {"x": "text", "y": "text"}, "name": "text", "weights": {"x": 5, "y": 1}, "default_language": "swedish", "language_override": "lang"}`,
		`{"key": {"$**": 1}, "name": "$**_1"}`,
		`{"key": {"$**": 1}, "name": "projection", "wildcardProjection": {"a": 1, "b.c": 1}}`,
		`{"key": {"_id": -1}, "name": "id"}`,
	)
	plan := j.plan("kinds", indexSteps+`
	- name: from-file
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	  collections: [{from: orders, to: other}]
	- name: verify-file
	  type: verify-indexes
	  file: indexes.yaml
	  to: target
	  collections: [{from: orders, to: other}]
	`)
	report := j.run(0, plan)
	sameIndexes(t, orders, j.target.Collection("orders"))
	sameIndexes(t, orders, j.target.Collection("other"))
	contains(t, "extract", report.step(t, "indexes").notes(), "left out of all: storageEngine.enableOrderedIndex, v")
}

func TestOneIndexThatFailsDoesNotStopTheOthers(t *testing.T) {
	j := newJob(t)
	insert(t, j.target.Collection("orders"), []any{
		bson.D{{Key: "_id", Value: "first"}, {Key: "number", Value: 7}}, bson.D{{Key: "_id", Value: "second"}, {Key: "number", Value: 7}}, bson.D{{Key: "_id", Value: "third"}, {Key: "number", Value: 8}},
	})
	createIndexes(t, j.target.Collection("orders"), `{"key": {"x": 1}, "name": "taken"}`, `{"key": {"yy": 1}, "name": "yy_1"}`)
	j.file("indexes.yaml", `version: 1
collections:
  orders:
    - {key: {a: 1}}
    - {key: {number: 1}, unique: true}
    - {key: {z: 1}, name: taken}
    - {key: {yy: 1}, name: y_unique, unique: true}
    - {key: {b: 1}, collation: {locale: sv}}
    - {key: {c: 1}}
`)
	steps := `
	- name: create
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	`
	plan := j.plan("failures", steps)
	looked := j.mustVida(0, "run", plan, "--dry-run")
	contains(t, "the dry run", looked.stdout, "cannot create taken", "would create number_1 {number: 1} unique")

	step := j.run(1, plan).step(t, "create")
	contains(t, "the error", step.Error, "4 of 6 indexes could not be created",
		".orders: number_1 {number: 1} unique: ", `2 documents have {number: 7} (_id "first", "second")`,
		".orders: taken {z: 1}: the target has another index of this name (key: {x: 1}, wanted {z: 1})",
		".orders: y_unique {yy: 1} unique: the target has the index yy_1 on the same key with other options (without unique, wanted unique: true)",
		".orders: b_1 {b: 1} collation: {locale: sv}: ")
	contains(t, "create", step.notes(), "created a_1, c_1")
	have := listed(t, j.target.Collection("orders"))
	for _, name := range []string{"a_1", "c_1", "taken", "yy_1"} {
		if have[name] == "" {
			t.Errorf("no index %s", name)
		}
	}

	// The operator mends the file and the data, and runs the same command again.
	if _, err := j.target.Collection("orders").DeleteOne(context.Background(), bson.D{{Key: "_id", Value: "second"}}); err != nil {
		t.Fatal(err)
	}
	j.file("indexes.yaml", "version: 1\ncollections:\n  orders: [{key: {a: 1}}, {key: {number: 1}, unique: true}, {key: {c: 1}}]\n")
	contains(t, "create", j.run(0, plan).step(t, "create").notes(), "created number_1", "there already: a_1, c_1")
}

func TestOnErrorContinueGoesOnAfterAFailedIndex(t *testing.T) {
	j := newJob(t)
	insert(t, j.target.Collection("orders"), []any{bson.D{{Key: "_id", Value: 1}, {Key: "number", Value: 7}}, bson.D{{Key: "_id", Value: 2}, {Key: "number", Value: 7}}})
	j.file("indexes.yaml", "version: 1\ncollections: {orders: [{key: {number: 1}, unique: true}, {key: {a: 1}}]}\n")
	report := j.run(1, j.plan("continue", `
	- name: create
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	  on_error: continue
	- name: afterwards
	  type: verify-indexes
	  when: steps.create.result.failed == 1 && steps.create.result.created == 1
	  to: target
	  file: indexes.yaml
	`))
	contains(t, "the error", report.step(t, "create").Error, "2 documents have {number: 7} (_id ")
	if step := report.step(t, "afterwards"); step.Status != "differences" || step.Missing != 1 {
		t.Errorf("%+v", report)
	}
}

func TestMistakesInAnIndexFileAreShownAtTheirPlaces(t *testing.T) {
	j := newJob(t)
	j.file("indexes.yaml", "version: 1\ncollections:\n  orders:\n    - key: {a: 1}\n      uniq: true\n    - key: {b: 2dshpere}\n")
	plan := j.plan("mistakes", `
	- name: create
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	`)
	for _, flag := range []string{"--dry-run", "--progress=none"} {
		o := j.mustVida(2, "run", plan, flag)
		contains(t, flag, o.stderr, "indexes.yaml:5:7: an index has no field \"uniq\"", "did you mean unique?", "indexes.yaml:6:16: \"2dshpere\" is no type of index", "did you mean 2dsphere?")
	}
}

// An edited file is taken up by the same command also where the step was done.
func TestAnEditedIndexFileIsTakenUp(t *testing.T) {
	j := newJob(t)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	plan := j.plan("taken-up", `
	- name: indexes
	  type: extract-indexes
	  from: source
	  collections: [orders]
	  output: indexes.yaml
	- name: create
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	- name: verify
	  type: verify-indexes
	  to: target
	  file: indexes.yaml
	`)
	contains(t, "the dry run", j.mustVida(0, "run", plan, "--dry-run").stdout, "would create status_1", "with the 3 that it should have")
	j.run(0, plan)
	contains(t, "the second run", j.mustVida(0, "run", plan).stdout, "done earlier")

	j.file("indexes.yaml", j.read("indexes.yaml")+"    - {key: {more: 1}}\n")
	contains(t, "the second dry run", j.mustVida(0, "run", plan, "--dry-run").stdout, "indexes.yaml was edited since this step was done", "would create more_1")
	report := j.run(0, plan)
	contains(t, "create", report.step(t, "create").notes(), "created more_1", "there already: by time, number_1, status_1")
	contains(t, "verify", report.step(t, "verify").notes(), "4 of 4 indexes are equal")

	j.file("indexes.yaml", "version: 1\ncollections: {orders: [{key: {more: 1}, uniq: true}]}\n")
	contains(t, "the error", j.mustVida(2, "run", plan).stderr, `an index has no field "uniq"`)
}

func TestExtractKeepsWhatSomebodyEdited(t *testing.T) {
	j := newJob(t)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	plan := j.plan("edited", indexSteps)
	j.run(0, plan, "--only", "indexes")
	written := j.read("indexes.yaml")
	again := j.run(0, plan, "--only", "indexes", "--restart", "indexes").step(t, "indexes")
	contains(t, "extract again", again.notes(), "says the same")

	edited := strings.Replace(written, "unique: true", "unique: false", 1)
	j.file("indexes.yaml", edited)
	third := j.run(0, plan, "--only", "indexes", "--restart", "indexes").step(t, "indexes")
	contains(t, "the third", third.notes(), "indexes.yaml.bak")
	if j.read("indexes.yaml") != written || j.read("indexes.yaml.bak") != edited {
		t.Errorf("the file or its backup is wrong:\n%s\n%s", j.read("indexes.yaml"), j.read("indexes.yaml.bak"))
	}

	j.file("indexes.yaml", "a letter to my sister\n")
	contains(t, "the error", j.run(1, plan, "--only", "indexes", "--restart", "indexes").step(t, "indexes").Error, "is no index file")
	if j.read("indexes.yaml") != "a letter to my sister\n" {
		t.Error("the letter is gone")
	}
}

func TestIndexesOfAMissingCollection(t *testing.T) {
	j := newJob(t)
	step := j.run(1, j.plan("missing", indexSteps)).step(t, "indexes")
	contains(t, "the error", step.Error, j.database+".orders does not exist")

	// One that a later step generates may be missing yet.
	report := j.run(0, j.plan("generated", indexSteps+`
	- name: generate
	  type: generate
	  to: source
	  collection: orders
	  documents: 10
	`))
	contains(t, "extract", report.step(t, "indexes").notes(), "does not exist yet")
}
