package plans

import "testing"

func TestNearest(t *testing.T) {
	candidates := []string{"collections", "connections", "copy", "to", "tuning"}
	for word, want := range map[string]string{
		"colections": "collections", "conections": "connections", "COPY": "copy", "coyp": "copy", "ot": "to", "tunnings": "tuning",
		"": "", "xyz": "", "transform": "",
	} {
		if got := nearest(word, candidates); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "adc", 1}, {"kitten", "sitting", 3}, {"short", "muchlonger", 8}}
	for _, test := range tests {
		if got := distance(test.a, test.b, 9); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	if got := suggest("", nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	if got := suggest("sorce", []string{"source", "target"}); got != `did you mean "source"?` {
		t.Errorf("got %q", got)
	}
	if got := suggest("x", []string{"source", "target"}); got != "allowed: source, target" {
		t.Errorf("got %q", got)
	}
}
