package plans

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("plan.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON returns a YAML text as a JSON decoder has it.
func asJSON(t *testing.T, source []byte) any {
	t.Helper()
	var plan any
	if err := yaml.Unmarshal(source, &plan); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestSchemaFileIsUpToDate(t *testing.T) {
	if *update {
		if err := os.WriteFile("plan.schema.json", Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, Schema()) {
		t.Error("plan.schema.json is not what Schema returns: go test ./plans -run Schema -update")
	}
}

func TestSchemaTakesGoodPlans(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	sources := map[string][]byte{"everything": []byte(strings.Replace(everything, ".inf", "2.5", 1))}
	for _, file := range files {
		if sources[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	schema := compiledSchema(t)
	for file, source := range sources {
		if err := schema.Validate(asJSON(t, source)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSchemaRefusesBadPlans(t *testing.T) {
	const head = "version: 1\nname: p\nconnections: {a: {uri: 'mongodb://a', database: d}}\n"
	const check = "steps: [{name: c, type: check-connections}]\n"
	schema := compiledSchema(t)
	if err := schema.Validate(asJSON(t, []byte(head+check))); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		strings.Replace(head, "version: 1", "version: 2", 1) + check,
		strings.Replace(head, "name: p", "name: P Q", 1) + check,
		head,
		head + "steps: []\n",
		head + check + "tunning: {}\n",
		head + check + "tuning: {workers: many}\n",
		head + check + "tuning: {batch_documents: 0}\n",
		head + check + "tuning: {batch_bytes: 16MB}\n",
		head + check + "tuning: {retry: {for: 10}}\n",
		head + check + "tuning: {write_concern: 2}\n",
		head + "steps: [{name: c, type: coppy}]\n",
		head + "steps: [{name: c, type: copy, from: a}]\n",
		head + "steps: [{name: c, type: copy, from: a, to: a, documents: 5}]\n",
		head + "steps: [{name: c, type: generate, to: a, collection: c, documents: -1}]\n",
		head + "steps: [{name: c, type: verify-content, from: a, to: a, sample: 1}]\n",
	} {
		if schema.Validate(asJSON(t, []byte(bad))) == nil {
			t.Errorf("the schema takes\n%s", bad)
		}
		if _, found := Parse("p.yaml", []byte(bad), Options{}); len(found) == 0 {
			t.Errorf("vida takes\n%s", bad)
		}
	}
}

// TestFieldTable keeps the table itself sound.
func TestFieldTable(t *testing.T) {
	objects := []*object{&planObject, &connectionObject, &tuningObject, &retryObject, &renameObject}
	for _, s := range stepTypes {
		objects = append(objects, stepObject(s.name))
	}
	for _, o := range objects {
		seen := map[string]bool{}
		for i := range o.fields {
			f := &o.fields[i]
			if seen[f.name] || f.doc == "" || f.shape == nil || f.required && f.fallback != "" {
				t.Errorf("%s: field %q is not sound", o.name, f.name)
			}
			seen[f.name] = true
			if f.fallback == "" {
				continue
			}
			r := &reporter{text: newText("", nil)}
			if d := (&decoder{&expander{reporter: r}}); d.fallback(f) == nil || len(r.found) > 0 {
				t.Errorf("%s: the fallback %q of %q does not decode: %s", o.name, f.fallback, f.name, r.found)
			}
		}
	}
}
