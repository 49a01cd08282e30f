package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Number writes a whole number with its thousands set apart: 1,234,567.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Bytes writes a size in binary units: 512 B, 1.2 GiB.
func Bytes(n int64) string {
	if n < 1024 && n > -1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value := float64(n)
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := -1
	for i < len(units)-1 && math.Abs(value) >= 1023.95 { // what rounds to 1024.0 belongs to the next unit
		value /= 1024
		i++
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[i]
}

// Duration writes seconds as a person says them: 0.4s, 12s, 3m05s, 1h02m, 2d03h.
func Duration(seconds float64) string {
	if math.IsNaN(seconds) || math.IsInf(seconds, 0) || seconds < 0 {
		return "?"
	}
	if seconds < 9.95 {
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "s"
	}
	s := int64(math.Round(seconds))
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// Plural writes a number with its noun: "1 document", "2 documents".
func Plural(n int64, noun string) string {
	if n == 1 || n == -1 {
		return Number(n) + " " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return Number(n) + " " + noun[:len(noun)-1] + "ies"
	}
	return Number(n) + " " + noun + "s"
}

// rate writes a number per second: whole above ten, one decimal below.
func rate(perSec float64) string {
	if perSec < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(perSec, 'f', 1, 64), ".0")
	}
	return Number(int64(math.Round(perSec)))
}

// megabytes writes a byte rate in MB/s, the unit in which network links are sold.
func megabytes(bytesPerSec float64) string {
	return strconv.FormatFloat(bytesPerSec/1e6, 'f', 1, 64) + " MB/s"
}

// moment writes a point in time for a person, in the local time zone, to the minute.
func moment(t time.Time) string {
	return t.Local().Format("2006-01-02 15:04")
}

// Clean makes text of a server, a file or an error fit for one line of a terminal: what would move the
// cursor, change colours or break the line is replaced.
func Clean(text string) string {
	text = strings.TrimRight(text, "\r\n\t ")
	plain := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) && r != ' ' }
	if strings.IndexFunc(text, plain) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case plain(r):
			return '?'
		}
		return r
	}, text)
}
