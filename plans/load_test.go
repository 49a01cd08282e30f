package plans

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

var twoURIs = []string{
	"COSMOS_DB_CONNECTION_STRING=mongodb://acct:a2V5==@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@",
	"MONGODB_ATLAS_CONNECTION_STRING=mongodb+srv://user:pass@cluster.example.mongodb.net/?retryWrites=true&w=majority",
}

// everything is a plan with each field of the language.
const everything = `
version: 1
name: everything
description: each field once
env_files: [.env_local, config.env]
x-fast: &fast {workers: 3, batch_documents: 7}
connections:
  source:
    uri: ${SOURCE}
    kind: cosmos
    request_units: "80%"
  target: {uri: "mongodb+srv://u:p%2F@cluster.example.net/ignored", database: "${DB:-archive}", kind: mongodb, request_units: off}
tuning:
  workers: 12
  batch_bytes: 8MiB
  max_memory: 1GiB
  write_concern: majority
  pool_size: 200
  reply_timeout: 90s
  max_rejects: 0
  compressors: [zstd, snappy]
  retry: {for: 5m, max: 10s}
steps:
  - {name: check, type: check-connections, connections: [target]}
  - name: indexes
    type: extract-indexes
    from: source
    output: indexes.yaml
  - name: generate
    type: generate
    to: source
    collection: orders
    documents: ${TOTAL:-0}
    seed: 42
    append: true
    tuning: {<<: *fast, workers: auto}
  - name: copy
    type: copy
    on_error: continue
    from: source
    to: target
    collections: ["orders-*", {from: a, to: b}, "${PRIVATE}"]
    exclude: [system.*]
    query:
      z: {$gte: {$date: "2024-01-01T00:00:00Z"}}
      a: [1, 3000000000, 1.5, true, null, "5", .inf]
    on_conflict: replace
    tuning:
      write_concern: 0
      compressors: []
      retry: {initial: 1s}
  - {name: create, type: create-indexes, to: target, indexes: indexes, collections: [{from: a, to: b}]}
  - {name: from-file, type: create-indexes, to: target, file: i.yaml}
  - {name: counts, type: verify-counts, from: source, to: target, collections: [orders], query: '{"n": {"$numberLong": "5"}}', count: estimated}
  - {name: content, type: verify-content, from: source, to: target, collections: [orders], query: {status: "${PRIVATE}"}, repair: true, sample: 2.5%}
  - {name: same-indexes, type: verify-indexes, from: source, to: target, collections: [{from: a, to: b}]}
  - {name: indexes-of-file, type: verify-indexes, file: i.yaml, to: target}
`

func loadEverything(t *testing.T, environ ...string) *Plan {
	t.Helper()
	plan, found := Parse("dir/p.yaml", []byte(everything), Options{
		Environ: append([]string{"SOURCE=mongodb://u:p@h/shop", "PRIVATE=hush"}, environ...),
		ReadFile: func(name string) ([]byte, error) {
			return nil, fs.ErrNotExist
		},
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	return plan
}

func TestEveryField(t *testing.T) {
	p := loadEverything(t, "TOTAL=5")
	if p.Name != "everything" || p.Version != 1 || p.File != "dir/p.yaml" || string(p.Source) != everything || p.Description == "" {
		t.Errorf("plan: %+v", p)
	}
	source, target := p.Connection("source"), p.Connection("target")
	if source.Database != "shop" || source.Kind != "cosmos" || source.RequestUnits != (RequestUnits{Fraction: 0.8}) {
		t.Errorf("source: %+v", source)
	}
	if target.Database != "archive" || target.RequestUnits != (RequestUnits{Off: true}) || target.Position.Line != 12 {
		t.Errorf("target: %+v", target)
	}
	planWide := Tuning{
		Workers: 12, BatchDocuments: 2000, BatchBytes: 8 << 20, UnitDocuments: 50000, CheckpointDocuments: 50000,
		MaxMemory: 1 << 30, WriteConcern: "majority", PoolSize: 200, ReplyTimeout: 90 * time.Second, Compressors: []string{"zstd", "snappy"},
		Retry: Retry{For: 5 * time.Minute, Initial: 100 * time.Millisecond, Max: 10 * time.Second},
	}
	if !reflect.DeepEqual(p.Tuning, planWide) {
		t.Errorf("tuning:\n%+v, want\n%+v", p.Tuning, planWide)
	}
	generated, copied := planWide, planWide
	generated.Workers, generated.BatchDocuments = 0, 7
	copied.WriteConcern, copied.Compressors, copied.Retry.Initial = "0", nil, time.Second
	if got := p.Step("generate").Tuning; !reflect.DeepEqual(got, generated) {
		t.Errorf("tuning of generate:\n%+v, want\n%+v", got, generated)
	}
	if got := p.Step("copy").Tuning; !reflect.DeepEqual(got, copied) {
		t.Errorf("tuning of copy:\n%+v, want\n%+v", got, copied)
	}
	if p.Step("copy").OnError != OnErrorContinue || p.Step("check").OnError != OnErrorStop || p.Step("nobody") != nil {
		t.Error("on_error")
	}
	spec := p.Step("copy").Spec.(*CopySpec)
	names := []string{}
	for _, c := range spec.Collections {
		names = append(names, c.From+">"+c.To)
	}
	if !slices.Equal(names, []string{"orders-*>orders-*", "a>b", "hush>hush"}) || !slices.Equal(spec.Exclude, []string{"system.*"}) {
		t.Errorf("selection: %v, %v", names, spec.Exclude)
	}
	if got := p.Step("generate").Spec; !reflect.DeepEqual(got, &GenerateSpec{To: "source", Collection: "orders", Documents: 5, Seed: 42, Append: true}) {
		t.Errorf("generate: %+v", got)
	}
	content := p.Step("content").Spec.(*VerifyContentSpec)
	if !content.Repair || content.Sample != 0.025 || content.From != "source" || bson.Raw(content.Query).Lookup("status").StringValue() != "hush" {
		t.Errorf("content: %+v", content)
	}
	if counts := p.Step("counts").Spec.(*VerifyCountsSpec); counts.Count != CountEstimated || bson.Raw(counts.Query).Lookup("n").Int64() != 5 {
		t.Errorf("counts: %+v", counts)
	}
	verified := VerifyIndexesSpec{From: "source", To: "target", Selection: Selection{Collections: []CollectionName{{From: "a", To: "b", Position: Position{Line: 56, Column: 88}}}}}
	if got := p.Step("same-indexes").Spec; !reflect.DeepEqual(got, &verified) {
		t.Errorf("verify-indexes: %+v", got)
	}
	if got := p.Step("indexes-of-file").Spec; !reflect.DeepEqual(got, &VerifyIndexesSpec{File: "i.yaml", To: "target"}) {
		t.Errorf("verify-indexes of a file: %+v", got)
	}
	for _, s := range p.Steps {
		if s.Spec.StepType() != s.Type || s.Position.Line == 0 {
			t.Errorf("step %s: %+v", s.Name, s)
		}
	}
}

func TestDefaults(t *testing.T) {
	p, found := Parse("p.yaml", []byte("version: 1\nname: p\nconnections: {a: {uri: 'mongodb://h/d'}}\ntuning:\nsteps: [{name: g, type: generate, to: a, collection: c, documents: 1}]\n"), Options{})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := Tuning{
		BatchDocuments: 2000, BatchBytes: 16 << 20, UnitDocuments: 50000, CheckpointDocuments: 50000, MaxMemory: 256 << 20,
		WriteConcern: "1", PoolSize: 100, ReplyTimeout: 5 * time.Minute, MaxRejects: 1_000_000, Retry: Retry{For: 10 * time.Minute, Initial: 100 * time.Millisecond, Max: 30 * time.Second},
	}
	if !reflect.DeepEqual(p.Steps[0].Tuning, want) {
		t.Errorf("got %+v, want %+v", p.Steps[0].Tuning, want)
	}
	if c := p.Connections[0]; c.Kind != "auto" || c.RequestUnits != (RequestUnits{Fraction: 1}) {
		t.Errorf("connection: %+v", c)
	}
	if spec := p.Steps[0].Spec.(*GenerateSpec); spec.Seed != 1 || spec.Append {
		t.Errorf("generate: %+v", spec)
	}
}

// shippedOptions load the shipped plans as from the project's root, where config.env is and no .env_local.
func shippedOptions(environ ...string) Options {
	return Options{Environ: append(slices.Clone(twoURIs), environ...), ReadFile: func(name string) ([]byte, error) {
		if name == "config.env" {
			name = filepath.Join("..", "config.env")
		}
		if strings.Contains(name, ".env_local") {
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(name)
	}}
}

func TestShippedPlans(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) != 9 {
		t.Fatalf("shipped plans: %v, %v", files, err)
	}
	for _, file := range files {
		plan, found, err := Load(file, shippedOptions())
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %v\n%s", file, err, found)
			continue
		}
		if plan.Name+".yaml" != file || !strings.HasPrefix(string(plan.Source), "# yaml-language-server: $schema=plan.schema.json\n") {
			t.Errorf("%s: its name is %s, or its first line is not for editors", file, plan.Name)
		}
		if _, found, _ := Load(file, Options{ReadFile: shippedOptions().ReadFile}); len(found) == 0 {
			t.Errorf("%s loads without a connection string", file)
		}
	}
}

func TestFullMigration(t *testing.T) {
	plan, found, err := Load("full-migration.yaml", shippedOptions(
		"TOTAL_DOCUMENTS=20000", "COSMOS_DB_COLLECTION=orders", "MONGODB_ATLAS_COLLECTION=archive", "MONGODB_ATLAS_DB_NAME=other",
		"BATCH_SIZE=11", "CONCURRENT_WORKERS=12", "MIGRATION_BATCH_SIZE=13", "MIGRATION_WORKERS=14"))
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	var types []string
	for _, s := range plan.Steps {
		types = append(types, s.Type)
	}
	if want := []string{TypeCheckConnections, TypeExtractIndexes, TypeGenerate, TypeCopy, TypeCreateIndexes, TypeVerifyCounts}; !slices.Equal(types, want) {
		t.Errorf("steps %v, want %v", types, want)
	}
	if s := plan.Step("generate"); s.Tuning.BatchDocuments != 11 || s.Tuning.Workers != 12 || s.Spec.(*GenerateSpec).Documents != 20000 || s.When == nil {
		t.Errorf("generate: %+v, %+v", s, s.Spec)
	}
	if s := plan.Step("copy"); s.Tuning.BatchDocuments != 13 || s.Tuning.Workers != 14 {
		t.Errorf("copy: %+v", s)
	}
	renamed := "volvo-service-orders.orders -> other.archive"
	for _, name := range []string{"copy", "verify"} {
		if got := plan.Step(name).Identity["collections"]; got != renamed {
			t.Errorf("%s: %q, want %q", name, got, renamed)
		}
	}
	if c := plan.Step("create-indexes").Spec.(*CreateIndexesSpec).Collections; len(c) != 1 || c[0].From != "orders" || c[0].To != "archive" {
		t.Errorf("create-indexes: %v", c)
	}
}

func TestPrecedence(t *testing.T) {
	files := map[string]string{
		filepath.Join("dir", ".env_local"): "A=first\nB=first\nC=first\nD=first\n",
		".env_local":                       "A=not this one\nE=not this one\n",
		"config.env":                       "C=second\nD=second\nE=second\nF=\n",
	}
	plan, found := Parse(filepath.Join("dir", "p.yaml"), []byte(`
version: 1
name: p
env_files: [.env_local, "${OTHER}.env"]
description: ${A} ${B} ${C} ${E} [${F:-empty}] ${G:-unset} ${H} $$A $A ${V}
connections: {a: {uri: "mongodb://h/d"}}
steps: [{name: c, type: check-connections}]
`), Options{
		Set:     map[string]string{"A": "set", "V": "${A} $$"},
		Environ: []string{"A=process", "B=process", "H=", "OTHER=config", "malformed"},
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	if want := "set process first second [empty] unset  $A $A ${A} $$"; plan.Description != want {
		t.Errorf("got %q, want %q", plan.Description, want)
	}
	want := map[string]string{"A": "set", "B": "process", "C": "first", "D": "first", "E": "second", "F": "", "H": "", "OTHER": "config", "V": "${A} $$"}
	if !maps.Equal(plan.Env, want) {
		t.Errorf("env: %v, want %v", plan.Env, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Load(dir, Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, _, err := Load(filepath.Join(dir, "none.yaml"), Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "there is no plan file") {
		t.Errorf("a missing file: %v", err)
	}
	_, _, err := Load("p.yaml", Options{ReadFile: func(string) ([]byte, error) { return nil, fs.ErrPermission }})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "may not be read") {
		t.Errorf("without permission: %v", err)
	}
	plan := filepath.Join(dir, "p.yaml")
	source := "version: 1\nname: p\nenv_files: [folder]\nconnections: {a: {uri: 'mongodb://h/d'}}\nsteps: [{name: c, type: check-connections}]\n"
	if err := errors.Join(os.WriteFile(plan, []byte(source), 0o600), os.Mkdir(filepath.Join(dir, "folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := Load(plan, Options{}); err != nil || len(found) != 1 || found[0].Line != 3 || found[0].Column != 13 || !strings.Contains(found[0].Message, "cannot be read") {
		t.Errorf("a folder for an environment file: %v, %v", found, err)
	}
}

func TestLargeFiles(t *testing.T) {
	_, found := Parse("p.yaml", []byte(strings.Repeat("# long\n", maxFileBytes/7+1)), Options{})
	if len(found) != 1 || !strings.Contains(found[0].Message, "at most") {
		t.Errorf("got %v", found)
	}
	_, found = Parse("p.yaml", []byte("version: 1\nname: p\nenv_files: "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+"\n"), Options{})
	if len(found) != 1 || !strings.Contains(found[0].Message, "nested too deeply") {
		t.Errorf("got %v", found)
	}
}
