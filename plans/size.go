package plans

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var sizeUnits = []struct {
	name  string
	bytes float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a number of bytes: "16MiB", "1.5GiB", "512KiB" or a plain number.
func parseSize(s string) (int64, error) {
	number, unit := s, 1.0
	for _, u := range sizeUnits {
		if before, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimSpace(before), u.bytes
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && float64(n)*unit < math.MaxInt64 {
		return n * int64(unit), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f)*unit >= math.MaxInt64 || strings.ContainsAny(number, "xXpP_") {
		return 0, fmt.Errorf("not a size")
	}
	return int64(f * unit), nil
}

// formatSize returns a number of bytes as a plan would have it.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if unit := int64(u.bytes); unit > 1 && n >= unit && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// formatDuration returns a duration as a person would write it: 10m and not 10m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseInteger reads a whole number as YAML 1.2 has it: 0x10 and 0o7 are known, 010 is ten.
func parseInteger(s string) (int64, error) {
	digits := strings.ReplaceAll(s, "_", "")
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, nil
	}
	return strconv.ParseInt(digits, 0, 64)
}

// parsePercent reads "80%" as 0.8. It takes what is above 0 and at most 100.
func parsePercent(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(f > 0 && f <= 100) {
		return 0, fmt.Errorf("not a percentage")
	}
	return f / 100, nil
}
