package plans

import (
	"fmt"
	"strings"
)

// Adjustable lists the fields of tuning that can be changed while a plan runs.
func Adjustable() []string { return []string{"workers", "batch_documents", "batch_bytes"} }

// Adjust returns t with one of its [Adjustable] fields set to what a plan would write there.
func (t Tuning) Adjust(name, text string) (Tuning, error) {
	field := tuningObject.field(name)
	adjustable := false
	for _, known := range Adjustable() {
		adjustable = adjustable || known == name
	}
	switch {
	case field == nil:
		return t, fmt.Errorf("tuning has no field %q: what can be changed while a plan runs is %s", name, strings.Join(Adjustable(), ", "))
	case !adjustable:
		return t, fmt.Errorf("%s cannot be changed while a plan runs, only %s: change it in the plan and run it again", name, strings.Join(Adjustable(), ", "))
	}
	n, err := adjusted(field, text)
	if err != nil {
		return t, err
	}
	switch name {
	case "workers":
		t.Workers = int(n)
	case "batch_documents":
		t.BatchDocuments = int(n)
	default:
		t.BatchBytes = n
	}
	return t, nil
}

// adjusted reads a number by the rules of its field.
func adjusted(field *field, text string) (int64, error) {
	switch shape := field.shape.(type) {
	case integerShape:
		if n, ok := shape.words[text]; ok {
			return n, nil
		}
		n, err := parseInteger(text)
		if err != nil || n < shape.min || n > shape.max {
			or := ""
			for _, word := range sortedKeys(shape.words) {
				or += " or " + word
			}
			return 0, fmt.Errorf("%s must be a whole number, %d to %d%s, not %q", field.name, shape.min, shape.max, or, text)
		}
		return n, nil
	case sizeShape:
		n, err := parseSize(text)
		if err != nil || n < shape.min || n > shape.max {
			return 0, fmt.Errorf("%s must be a size, %s to %s, not %q", field.name, formatSize(shape.min), formatSize(shape.max), text)
		}
		return n, nil
	}
	return 0, fmt.Errorf("%s is not a number", field.name)
}
