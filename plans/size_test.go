package plans

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"0": 0, "17": 17, "1KiB": 1 << 10, "16MiB": 16 << 20, "16 MiB": 16 << 20, "1.5GiB": 3 << 29, "5B": 5, "-1": -1, "0.5KiB": 512,
	}
	for text, want := range good {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "16MB", "16M", "16mib", "1e400", "9999999999GiB", "9223372036854775807KiB", "NaN", "Inf", "0x10", "1_000", "1 2"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestParseInteger(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-5": -5, "+5": 5, "010": 10, "0x10": 16, "0o10": 8, "0b11": 3, "20_000": 20000, "-9223372036854775808": -1 << 63} {
		if got, err := parseInteger(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1.0", "1e3", "9223372036854775808", " 1"} {
		if got, err := parseInteger(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1000: "1000", 1024: "1KiB", 16 << 20: "16MiB", 1 << 30: "1GiB", 48_000_000: "46875KiB", 1<<20 + 1: "1048577"} {
		if got := formatSize(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10m", 100 * time.Millisecond: "100ms", 90 * time.Second: "1m30s", 2 * time.Hour: "2h", 30 * time.Second: "30s",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]float64{"100%": 1, "80%": 0.8, "2.5 %": 0.025} {
		if got, err := parsePercent(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "80", "0%", "-1%", "101%", "NaN%", "all"} {
		if got, err := parsePercent(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
