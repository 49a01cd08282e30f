package plans

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// expandText returns the value of a YAML text.
func expandText(t *testing.T, source string, environ ...string) (*value, Diagnostics) {
	t.Helper()
	r := &reporter{text: newText("p.yaml", []byte(source))}
	root := parseYAML(r, []byte(source))
	if root == nil {
		t.Fatal(r.found)
	}
	e := &expander{reporter: r, names: newScope(nil, environ), open: map[*yaml.Node]bool{}}
	return e.expand(root), r.sorted()
}

func TestMergeKeys(t *testing.T) {
	v, found := expandText(t, `
base: &base {a: 1, b: 2}
other: &other {b: 3, c: 4}
one: {<<: *base, b: 9}
two: {b: 9, <<: [*base, *other], d: 5}
three: {<<: {<<: *other, e: 6}}
`)
	if len(found) > 0 {
		t.Fatal(found)
	}
	for name, want := range map[string]string{"one": "b=9 a=1", "two": "b=9 d=5 a=1 c=4", "three": "e=6 b=3 c=4"} {
		var got []string
		for _, f := range v.field(name).fields {
			got = append(got, f.name+"="+f.value.text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
}

func TestTypesOfInterpolatedScalars(t *testing.T) {
	v, found := expandText(t, `
plain: ${N}
quoted: "${N}"
single: '${N}'
text: ${S}
truth: ${B}
nothing: ${EMPTY}
tagged: !!str ${N}
structure: ${STRUCTURE}
part: 1${N}
dollar: $$5
`, "N=5", "S=x", "B=true", "EMPTY=", "STRUCTURE={a: [1]}")
	if len(found) > 0 {
		t.Fatal(found)
	}
	for name, want := range map[string]string{
		"plain": "!!int 5", "quoted": "!!str 5", "single": "!!str 5", "text": "!!str x", "truth": "!!bool true", "nothing": "!!null ",
		"tagged": "!!str 5", "structure": "!!str {a: [1]}", "part": "!!int 15", "dollar": "!!str $5",
	} {
		if got := v.field(name); got.tag+" "+got.text != want || !got.isScalar() {
			t.Errorf("%s: %s %s, want %s", name, got.tag, got.text, want)
		}
	}
}

func TestShowMasksSecrets(t *testing.T) {
	v, _ := expandText(t, `
uri: mongodb://u:hush@h/
name: ${A} and "more"
long: `+strings.Repeat("x", 100)+"\n", "A=hush")
	for name, want := range map[string]string{
		"uri": `"mongodb://***@h/"`, "name": `${A} and "more"`, "long": `"` + strings.Repeat("x", 60) + `…"`,
	} {
		if got := v.field(name).show(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
