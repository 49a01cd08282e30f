package plans

import (
	"strings"
	"testing"
)

// The messages are those of package expression; here it is their places that count.
func TestPlacesInsideExpressions(t *testing.T) {
	const head = "version: 1\nname: p\nconnections: {a: {uri: 'mongodb://h/d'}, b: {uri: 'mongodb://i/d'}}\nsteps:\n"
	tests := []struct {
		name, steps  string
		line, column int
	}{
		{"plain", "- name: s\n  type: check-connections\n  when: 1 +* 2\n", 7, 12},
		{"single quotes", "- name: s\n  type: check-connections\n  when: 'env.A == \"it''s\" +* 2'\n", 7, 28},
		{"double quotes", "- name: s\n  type: check-connections\n  when: \"env.A == \\\"x\\\" +* 2\"\n", 7, 26},
		{"literal block", "- name: s\n  type: check-connections\n  when: |\n    env.A == 'x' &&\n      1 +* 2\n", 9, 10},
		{"folded block", "- name: s\n  type: check-connections\n  when: >-\n    env.A == 'x' &&\n    1 +* 2\n", 9, 8},
		{"behind a reference", "- name: s\n  type: check-connections\n  when: ${LONG} +* 2\n", 7, 18},
		{"flow", "- {name: s, type: check-connections, when: 1 +* 2}\n", 5, 47},
		{"in an alias", "- {name: s, type: check-connections, when: &w 1 +* 2}\n- {name: t, type: check-connections, when: *w}\n", 5, 50},
		{"unknown step", "- name: s\n  type: check-connections\n  when: steps.none.status == 'succeeded'\n", 7, 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, found := Parse("p.yaml", []byte(head+test.steps), Options{Environ: []string{"LONG=1000000", "A=x"}})
			if len(found) != 1 {
				t.Fatalf("found %d:\n%s", len(found), found)
			}
			if found[0].Line != test.line || found[0].Column != test.column {
				t.Errorf("at %d:%d, want %d:%d\n%s", found[0].Line, found[0].Column, test.line, test.column, found)
			}
		})
	}
}

func TestConditionOnALaterStep(t *testing.T) {
	const source = `version: 1
name: p
connections: {a: {uri: 'mongodb://h/d'}}
steps:
- {name: first, type: check-connections, when: steps.second.status == "succeeded"}
- {name: second, type: check-connections, when: steps.first.status == "succeeded"}
`
	_, found := Parse("p.yaml", []byte(source), Options{})
	if len(found) != 1 || found[0].Line != 5 || !strings.Contains(found[0].Hint, "comes later") {
		t.Errorf("found %s", found)
	}
}

func TestExpressionMistakesShowNoValue(t *testing.T) {
	const source = `version: 1
name: p
connections: {a: {uri: 'mongodb://h/d'}}
steps:
- {name: s, type: check-connections, when: "env.A == ${TOKEN}"}
- {name: t, type: check-connections, when: "${TOKEN} +* 1"}
`
	_, found := Parse("p.yaml", []byte(source), Options{Environ: []string{"TOKEN=hush-token !"}})
	if len(found) == 0 || strings.Contains(found.String(), "hush") || !strings.Contains(found.String(), "${TOKEN}") {
		t.Errorf("found %s", found)
	}
}

func TestGoodConditions(t *testing.T) {
	for _, when := range []string{"true", "5 > 3", `int(env.TOTAL_DOCUMENTS ?? "0") > 0`, `steps.s.status == "succeeded"`} {
		source := "version: 1\nname: p\nconnections: {a: {uri: 'mongodb://h/d'}}\nsteps:\n- {name: s, type: check-connections}\n- name: w\n  type: check-connections\n  when: " + when + "\n"
		plan, found := Parse("p.yaml", []byte(source), Options{})
		if len(found) > 0 {
			t.Errorf("%s: %s", when, found)
		} else if got := plan.Step("w").When; got == nil || got.Text != when {
			t.Errorf("%s: compiled to %v", when, got)
		}
	}
}
