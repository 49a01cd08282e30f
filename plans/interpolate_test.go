package plans

import (
	"slices"
	"strings"
	"testing"
)

func interpolateText(text string, names *scope) (string, []templateError) {
	parts, problem := parseTemplate(text, 0, 0)
	if problem != nil {
		return "", []templateError{*problem}
	}
	var into interpolated
	parts.resolve(names, &into)
	return into.text.String(), into.problems
}

func TestInterpolate(t *testing.T) {
	names := newScope(nil, []string{"A=1", "B=two words", "EMPTY=", "NESTED=${A}", "TRICKY=$$ } {"})
	for text, want := range map[string]string{
		"":                         "",
		"plain":                    "plain",
		"${A}":                     "1",
		"x${A}y${B}z":              "x1ytwo wordsz",
		"[${EMPTY}]":               "[]",
		"${EMPTY:-none}":           "none",
		"${UNSET:-none}":           "none",
		"${UNSET:-}":               "",
		"${A:-none}":               "1",
		"${A:?must be set}":        "1",
		"${UNSET:-${EMPTY:-${A}}}": "1",
		"${UNSET:-a${A}b$$c}":      "a1b$c",
		"${A:-${UNSET}}":           "1", // what is not used need not be set
		"$$":                       "$",
		"$$$$":                     "$$",
		"$${A}":                    "${A}",
		"$$${A}":                   "$1",
		"$A $ $5 a$":               "$A $ $5 a$",
		"${NESTED}":                "${A}", // a value is not interpolated again
		"${TRICKY}":                "$$ } {",
		"{$gte: ${A}}":             "{$gte: 1}",
		"}${A}}":                   "}1}",
	} {
		if got, problems := interpolateText(text, names); got != want || len(problems) > 0 {
			t.Errorf("%q: %q, %v; want %q", text, got, problems, want)
		}
	}
}

func TestInterpolateMistakes(t *testing.T) {
	names := newScope(nil, []string{"A=1", "EMPTY="})
	tests := []struct {
		text    string
		offset  int
		message string
	}{
		{"a ${B}", 2, "B is not set"},
		{"${EMPTY:?}", 0, "EMPTY: is not set or empty"},
		{"${B:?give it}", 0, "B: give it"},
		{"x${A:-y}${B:-${C}}", 13, "C is not set"},
		{"ab${", 2, "this ${ is never closed"},
		{"${A:-${B}", 0, "this ${ is never closed"},
		{"${A:-$$}", -1, ""},
		{"${}", 0, "a ${ must be followed by a name"},
		{"${ A}", 0, "a ${ must be followed by a name"},
		{"${A B}", 0, "${A is followed by something that is not known"},
		{"${A-b}", 0, "${A-...} is not known"},
		{strings.Repeat("${A:-", 40) + strings.Repeat("}", 40), 80, "too many ${...} inside of each other"},
	}
	for _, test := range tests {
		_, problems := interpolateText(test.text, names)
		switch {
		case test.offset < 0 && len(problems) == 0:
		case len(problems) != 1 || problems[0].offset != test.offset || problems[0].message != test.message:
			t.Errorf("%q: %+v", test.text, problems)
		}
	}
}

func TestRawOffset(t *testing.T) {
	text := "ab${LONG}cd$$ef"
	parts, problem := parseTemplate(text, 0, 0)
	if problem != nil {
		t.Fatal(problem)
	}
	var into interpolated
	parts.resolve(newScope(nil, []string{"LONG=0123456789"}), &into)
	if got := into.text.String(); got != "ab0123456789cd$ef" {
		t.Fatalf("got %q", got)
	}
	var got []int
	for _, out := range []int{0, 1, 2, 5, 11, 12, 13, 14, 15, 16} {
		got = append(got, rawOffset(into.segments, out))
	}
	if want := []int{0, 1, 2, 2, 2, 9, 10, 11, 13, 14}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHowToSet(t *testing.T) {
	names := newScope(nil, []string{"COSMOS_URL=x", "Z=1"})
	names.add(".env_local", nil)
	if got := names.howToSet("COSMOS_URI"); got != "COSMOS_URL is set: is one of the two misspelt?" {
		t.Errorf("got %q", got)
	}
	if got := names.howToSet("ELSE"); got != "set it in the environment, in .env_local, or with --set ELSE=..." {
		t.Errorf("got %q", got)
	}
}

func FuzzInterpolate(f *testing.F) {
	for _, seed := range []string{"", "${A}", "$$", "${A:-${B:-c}}", "${A:?m}", "${", "a$", "${A:-$$}}", "${A-b}", "ä${A}ö"} {
		f.Add(seed, "value ${A} $$")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		names := newScope(map[string]string{"A": value}, nil)
		parts, problem := parseTemplate(text, 0, 0)
		if problem != nil {
			if problem.offset < 0 || problem.offset >= len(text) || text[problem.offset] != '$' {
				t.Fatalf("%q: a problem at %d", text, problem.offset)
			}
			return
		}
		var into interpolated
		parts.resolve(names, &into)
		for _, p := range into.problems {
			if !strings.HasPrefix(text[p.offset:], "${") {
				t.Fatalf("%q: a problem at %d", text, p.offset)
			}
		}
		got := into.text.String()
		if !strings.Contains(text, "$") && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		for out := range len(got) {
			if raw := rawOffset(into.segments, out); raw < 0 || raw >= len(text) {
				t.Fatalf("%q: offset %d of %q comes from %d", text, out, got, raw)
			}
		}
	})
}
