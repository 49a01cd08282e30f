package plans

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Diagnostic is one mistake in a plan, or in an environment file that it names. It never holds a secret:
// not in the message, and not in the snippet.
type Diagnostic struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`    // what was probably meant, or what to do
	Snippet string `json:"snippet,omitempty"` // the line it is about, secrets masked

	caret int // column within Snippet, which masking may have moved
}

// String returns "file:line:column: message".
func (d Diagnostic) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
}

// Diagnostics are the mistakes found in one pass, in the order of their places.
type Diagnostics []Diagnostic

// String returns what Format writes.
func (d Diagnostics) String() string {
	var b strings.Builder
	_ = d.Format(&b) // a strings.Builder does not fail
	return b.String()
}

// Format writes each diagnostic as "file:line:column: message", followed by the line it is about with a
// caret below the place, and the hint.
func (d Diagnostics) Format(w io.Writer) error {
	for _, one := range d {
		if _, err := io.WriteString(w, one.format()); err != nil {
			return err
		}
	}
	return nil
}

func (d Diagnostic) format() string {
	var b strings.Builder
	fmt.Fprintln(&b, d)
	if strings.TrimSpace(d.Snippet) != "" {
		number := strconv.Itoa(d.Line)
		fmt.Fprintf(&b, " %s | %s\n", number, d.Snippet)
		fmt.Fprintf(&b, " %s | %s^\n", strings.Repeat(" ", len(number)), indentTo(d.Snippet, max(d.caret, 1)))
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "   %s\n", d.Hint)
	}
	return b.String()
}

// At returns a mistake at a place of a file that a plan names, with the line that it is about.
func At(file string, source []byte, at Position, message, hint string) Diagnostic {
	r := &reporter{text: newText(file, source)}
	r.report(at, hint, "%s", message)
	return r.found[0]
}

// indentTo returns the blanks that put a caret below the given column of line: tabs stay tabs.
func indentTo(line string, column int) string {
	var b strings.Builder
	for _, r := range line {
		if column--; column < 1 {
			return b.String()
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(" ", max(column-1, 0)))
	return b.String()
}

// maxDiagnostics is how many mistakes are worth telling at once.
const maxDiagnostics = 500

// reporter gathers the diagnostics of one plan file.
type reporter struct {
	text  *text
	found Diagnostics
	seen  map[string]bool // an anchored value is looked at wherever an alias names it
}

// report adds a diagnostic at a place in the plan file.
func (r *reporter) report(at Position, hint, format string, args ...any) {
	if len(r.found) > maxDiagnostics {
		return
	}
	if len(r.found) == maxDiagnostics {
		hint, format, args = "", "there are more mistakes than these", nil
	}
	d := Diagnostic{File: r.text.file, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...), Hint: hint}
	if key := d.String(); r.seen[key] {
		return
	} else if r.seen == nil {
		r.seen = map[string]bool{key: true}
	} else {
		r.seen[key] = true
	}
	d.Snippet, d.caret = r.text.snippet(at)
	r.found = append(r.found, d)
}

// reportAt adds a diagnostic at the start of a value.
func (r *reporter) reportAt(v *value, hint, format string, args ...any) {
	r.report(v.position(), hint, format, args...)
}

// sorted returns what was found in the order of the places, the plan file last.
func (r *reporter) sorted() Diagnostics {
	slices.SortStableFunc(r.found, func(a, b Diagnostic) int {
		return cmp.Or(
			compareBool(a.File == r.text.file, b.File == r.text.file),
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return r.found
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
