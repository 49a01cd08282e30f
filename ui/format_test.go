package ui

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -1000: "-1,000", -123456: "-123,456",
		math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 30: "1.0 GiB",
		1288490189: "1.2 GiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0.0s", 0.44: "0.4s", 9.94: "9.9s", 9.96: "10s", 59.4: "59s", 59.6: "1m00s", 185: "3m05s", 3599.7: "1h00m",
		3720: "1h02m", 47 * 3600: "47h00m", 51 * 3600: "2d03h", -1: "?", math.Inf(1): "?",
	} {
		if got := Duration(s); got != want {
			t.Errorf("Duration(%v) = %q, want %q", s, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for _, c := range []struct {
		n          int64
		noun, want string
	}{{0, "document", "0 documents"}, {1, "document", "1 document"}, {1200, "retry", "1,200 retries"}} {
		if got := Plural(c.n, c.noun); got != c.want {
			t.Errorf("Plural(%d, %q) = %q, want %q", c.n, c.noun, got, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ✓ é":          "plain, ✓ é",
		"two\nlines\tand\r\n": "two lines and",
		"\x1b[2Jgone\a":       "?[2Jgone?",
		"bad \xff utf-8":      "bad ? utf-8",
		"right-to-left\u202e": "right-to-left?",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}
