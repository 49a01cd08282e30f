package cli

import (
	"slices"
	"testing"
)

func TestWithVariablesReplacesNames(t *testing.T) {
	base := []string{"PATH=/bin", "A=old", "AB=kept", "A=older", "EMPTY="}
	got := withVariables(base, []variable{{"A", "new=1"}, {"C", ""}})
	if want := []string{"PATH=/bin", "AB=kept", "EMPTY=", "A=new=1", "C="}; !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	if base[1] != "A=old" {
		t.Error("the base was changed")
	}
}

func TestShellQuote(t *testing.T) {
	for value, want := range map[string]string{
		"":          `''`,
		"a b$c`d`":  "'a b$c`d`'",
		`it's "so"`: `'it'\''s "so"'`,
	} {
		if got := shellQuote(value); got != want {
			t.Errorf("shellQuote(%q) = %s; want %s", value, got, want)
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	for uri, want := range map[string]string{
		"":                                     "",
		"serviceorders":                        "serviceorders",
		"mongodb://h:1/":                       "mongodb://h:1/",
		"mongodb://user@h/":                    "mongodb://user@h/",
		"mongodb://user:secret@h/db":           "mongodb://user:xxxxx@h/db",
		"mongodb://u:se/cr@t:x@h:1,i:2/":       "mongodb://u:xxxxx@h:1,i:2/",
		"mongodb://a:k==@h:10255/?appName=@a@": "mongodb://a:xxxxx@h:10255/?appName=@a@",
		"mongodb://h/?appName=@a@":             "mongodb://h/?appName=@a@",
	} {
		if got := withoutPassword(uri); got != want {
			t.Errorf("withoutPassword(%q) = %q; want %q", uri, got, want)
		}
	}
}
