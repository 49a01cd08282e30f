package plans

import (
	"strings"
	"testing"
)

// Each @ is a mark: it must be found in the file where the value has it.
func TestPlaceInScalars(t *testing.T) {
	for name, source := range map[string]string{
		"plain":             "a: one @ two\n",
		"plain over lines":  "a: one\n  two\n\n\n  three @ four\n",
		"single quotes":     "a: 'it''s ''@'' here'\n",
		"single over lines": "a: 'one\n\n  two  \n  @ '\n",
		"double quotes":     `a: "\"\\\t\x41\u00e4\U0001F600 @"` + "\n",
		"double over lines": "a: \"one\n  two \\\n   three\n\n  \\  four @\"\n",
		"literal":           "a: |\n  one\n    two\n\n  three @\n",
		"literal, stripped": "a: |-\n\n   one\n   @",
		"literal, comment":  "a: | # comment\n  @\n",
		"folded":            "a: >\n  one\n  two\n\n\n  three @\n",
		"folded, indented":  "a: >-\n  one\n    two\n  @\n",
		"anchor":            "a: &x one @\n",
		"tag":               "a: !!str x @\n",
		"anchor, tag, line": "a: &x !!str\n  \"one @\"\n",
		"umlauts":           "ä: äöü @\n",
		"flow":              "a: [1, {b: 'x @'}]\n",
		"carriage returns":  "a: |\r\n  one\r\n  two @\r\n",
		"sequence":          "a:\n- |\n one\n @\n",
	} {
		t.Run(name, func(t *testing.T) {
			v, found := expandText(t, source)
			if len(found) > 0 {
				t.Fatal(found)
			}
			for !v.isScalar() {
				if v.isSequence() {
					v = v.items[len(v.items)-1]
				} else {
					v = v.fields[0].value
				}
			}
			offset := strings.IndexByte(v.text, '@')
			if offset < 0 {
				t.Fatalf("no mark in %q", v.text)
			}
			text := newText("p.yaml", []byte(source))
			if got, want := text.place(v.node, offset), text.find("@"); got != want {
				t.Errorf("%q: at %v, want %v", v.text, got, want)
			}
		})
	}
}

// Where a scalar cannot be followed, its start has to do.
func TestPlaceFallsBack(t *testing.T) {
	source := "a: |2\n    x @\n"
	v, _ := expandText(t, source)
	if got := newText("p.yaml", []byte(source)).place(v.fields[0].value.node, 4); got != (Position{1, 4}) {
		t.Errorf("got %v", got)
	}
}
