package cli

import "testing"

func TestNearest(t *testing.T) {
	commands := []string{"run", "validate", "status", "history", "reset", "schema", "version", "completion"}
	for text, want := range map[string]string{
		"rnu": "run", "Run": "run", "stauts": "status", "sta": "status", "valdate": "validate", "rest": "reset",
		"xyz": "", "migrate": "", "": "", "r": "",
	} {
		if got := nearest(text, commands); got != want {
			t.Errorf("nearest(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abcd", "abdc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
