package plans

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shape is what a field's value must look like. It decodes a value, after reporting what is wrong with it,
// and says the same as a JSON Schema.
type shape interface {
	// decode returns the value as Go has it; false when it was reported as wrong.
	decode(d *decoder, name string, v *value) (any, bool)
	schema() jsonObject
}

// textShape is a string, which decodes to a string.
type textShape struct {
	pattern *regexp.Regexp // nil: any
	rule    string         // the pattern in words
}

func (s textShape) decode(d *decoder, name string, v *value) (any, bool) {
	text, ok := d.scalarText(name, v)
	if !ok {
		return nil, false
	}
	if s.pattern != nil && !s.pattern.MatchString(text) {
		d.reportAt(v, d.origin(v), "%s must be %s, not %s", name, s.rule, v.show())
		return nil, false
	}
	return text, true
}

func (s textShape) schema() jsonObject {
	if s.pattern == nil {
		return jsonObject{"type": "string", "minLength": 1}
	}
	return orInterpolated(jsonObject{"type": "string", "pattern": s.pattern.String()})
}

// choiceShape is one of some words, which decodes to a string.
type choiceShape []string

func (s choiceShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() && !v.isNull() && slices.Contains(s, v.text) {
		return v.text, true // 0 and 1 are words too
	}
	if !v.isScalar() || v.isNull() {
		d.reportAt(v, oneOf(s), "%s must be a word, not %s", name, v.describe())
		return nil, false
	}
	hint := suggest(v.text, s)
	if v.isInterpolated() {
		hint = strings.Join([]string{oneOf(s), d.origin(v)}, "; ")
	}
	d.reportAt(v, hint, "%s cannot be %s", name, v.show())
	return nil, false
}

func (s choiceShape) schema() jsonObject {
	allowed := []any{}
	for _, word := range s {
		allowed = append(allowed, word)
		if n, err := strconv.Atoi(word); err == nil {
			allowed = append(allowed, n)
		}
	}
	return orInterpolated(jsonObject{"enum": allowed})
}

// integerShape is a whole number in a range, which decodes to an int64. words are what may stand instead of
// a number, and for which.
type integerShape struct {
	min, max int64
	words    map[string]int64
}

func (s integerShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() {
		if n, ok := s.words[v.text]; ok {
			return n, true
		}
	}
	what := "a whole number"
	hint := ""
	for _, word := range sortedKeys(s.words) {
		what += " or " + word
	}
	if !v.isScalar() || v.isNull() {
		d.reportAt(v, "", "%s must be %s, not %s", name, what, v.describe())
		return nil, false
	}
	n, err := parseInteger(v.text)
	if err != nil || v.tag == "!!str" && !v.isInterpolated() {
		if err == nil {
			hint = "remove the quotes"
		} else if near := nearest(v.text, sortedKeys(s.words)); near != "" {
			hint = didYouMean(near)
		}
		d.reportAt(v, firstOf(hint, d.origin(v)), "%s must be %s, not %s", name, what, v.show())
		return nil, false
	}
	if n < s.min || n > s.max {
		d.reportAt(v, d.origin(v), "%s must be %s, not %s", name, s.bounds(), v.show())
		return nil, false
	}
	return n, true
}

func (s integerShape) bounds() string {
	if s.max == math.MaxInt64 {
		return fmt.Sprintf("at least %d", s.min)
	}
	return fmt.Sprintf("%d to %d", s.min, s.max)
}

func (s integerShape) schema() jsonObject {
	number := jsonObject{"type": "integer"}
	if s.min != math.MinInt64 {
		number["minimum"] = s.min
	}
	if s.max != math.MaxInt64 {
		number["maximum"] = s.max
	}
	if len(s.words) == 0 {
		return orInterpolated(number)
	}
	return orInterpolated(number, jsonObject{"enum": sortedKeys(s.words)})
}

// booleanShape decodes to a bool.
type booleanShape struct{}

func (booleanShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() && (v.tag == "!!bool" || v.isInterpolated()) {
		switch v.text {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
	}
	hint := d.origin(v)
	if v.isScalar() && (v.text == "true" || v.text == "false") {
		hint = "remove the quotes"
	}
	d.reportAt(v, hint, "%s must be true or false, not %s", name, v.describe())
	return nil, false
}

func (booleanShape) schema() jsonObject { return orInterpolated(jsonObject{"type": "boolean"}) }

// sizeShape is a number of bytes, which decodes to an int64.
type sizeShape struct{ min, max int64 }

func (s sizeShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isScalar() || v.isNull() {
		d.reportAt(v, "", "%s must be a size such as 16MiB, not %s", name, v.describe())
		return nil, false
	}
	n, err := parseSize(v.text)
	if err != nil {
		hint := firstOf(d.origin(v), "sizes take KiB, MiB and GiB, or a plain number of bytes")
		d.reportAt(v, hint, "%s must be a size such as 16MiB, not %s", name, v.show())
		return nil, false
	}
	if n < s.min || n > s.max {
		d.reportAt(v, d.origin(v), "%s must be %s to %s, not %s", name, formatSize(s.min), formatSize(s.max), v.show())
		return nil, false
	}
	return n, true
}

func (s sizeShape) schema() jsonObject {
	return orInterpolated(
		jsonObject{"type": "integer", "minimum": s.min, "maximum": s.max},
		jsonObject{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)? ?(B|KiB|MiB|GiB)?$`},
	)
}

// durationShape decodes to a time.Duration above 0.
type durationShape struct{}

func (durationShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isScalar() || v.isNull() {
		d.reportAt(v, "", "%s must be a duration such as 30s, not %s", name, v.describe())
		return nil, false
	}
	duration, err := time.ParseDuration(v.text)
	if err != nil || duration <= 0 {
		hint := "durations are written 100ms, 30s, 10m, 1h30m"
		if _, err := strconv.Atoi(v.text); err == nil && !v.isInterpolated() {
			hint = didYouMean(v.text + "s")
		}
		d.reportAt(v, firstOf(d.origin(v), hint), "%s must be a duration above zero, not %s", name, v.show())
		return nil, false
	}
	return duration, true
}

func (durationShape) schema() jsonObject {
	return orInterpolated(jsonObject{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`})
}

// percentShape decodes "80%" to 0.8.
type percentShape struct{}

func (percentShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() {
		if f, err := parsePercent(v.text); err == nil {
			return f, true
		}
	}
	d.reportAt(v, d.origin(v), "%s must be a percentage above 0%% and up to 100%%, not %s", name, v.describe())
	return nil, false
}

const percentPattern = `^[0-9]+(\.[0-9]+)? ?%$`

func (percentShape) schema() jsonObject {
	return orInterpolated(jsonObject{"type": "string", "pattern": percentPattern})
}

// requestUnitsShape decodes to RequestUnits.
type requestUnitsShape struct{}

func (requestUnitsShape) decode(d *decoder, name string, v *value) (any, bool) {
	hint := ""
	if v.isScalar() {
		switch v.text {
		case "auto":
			return RequestUnits{Fraction: 1}, true
		case "off":
			return RequestUnits{Off: true}, true
		case "false", "no", "none", "0":
			hint = didYouMean("off")
		}
		if fraction, err := parsePercent(v.text); err == nil {
			return RequestUnits{Fraction: fraction}, true
		}
		f, err := strconv.ParseFloat(v.text, 64)
		if err == nil && f > 0 && !math.IsInf(f, 0) && (v.tag != "!!str" || v.isInterpolated()) {
			return RequestUnits{PerSec: f}, true
		}
	}
	d.reportAt(v, firstOf(hint, d.origin(v)),
		"%s must be a number of RU/s above zero, a percentage such as 80%%, auto or off, not %s", name, v.describe())
	return nil, false
}

func (requestUnitsShape) schema() jsonObject {
	return orInterpolated(
		jsonObject{"type": "number", "exclusiveMinimum": 0},
		jsonObject{"type": "string", "pattern": percentPattern},
		jsonObject{"enum": []string{"auto", "off"}},
	)
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
