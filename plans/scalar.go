package plans

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// place returns where the byte at offset of a scalar's value stands in the file. yaml.v3 knows the start of
// a scalar only; the rest is found by following the value through the file's text. Where that fails, the
// start has to do.
func (t *text) place(n *yaml.Node, offset int) Position {
	start := Position{Line: n.Line, Column: n.Column}
	f := follower{text: t, line: n.Line - 1, column: n.Column - 1}
	if f.line < 0 || f.line >= len(t.lines) {
		return start
	}
	f.skipProperties(n)
	var step func(rune) bool
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		if !f.enterBlock() {
			return start
		}
		step = f.block
	case n.Style&yaml.DoubleQuotedStyle != 0:
		f.column++
		step = f.doubleQuoted
	case n.Style&yaml.SingleQuotedStyle != 0:
		f.column++
		step = f.singleQuoted
	default:
		step = f.plain
	}
	for i, r := range n.Value {
		f.settle(r)
		if i >= offset {
			break
		}
		if !step(r) {
			return start
		}
	}
	if len(n.Value) <= offset {
		f.settle(utf8.RuneError)
	}
	return Position{Line: f.line + 1, Column: f.column + 1}
}

// follower walks through the text of a scalar, one character of its value at a time. Lines and columns
// are counted from 0.
type follower struct {
	text         *text
	line, column int
	indent       int    // of a block scalar
	isBlock      bool   //
	pending      string // what the line breaks just passed have yet to stand for
	trimmedLine  int    // the line of which trimmed is known
	trimmed      int    // where the blanks at the end of that line begin
}

// peek returns the character here; false at the end of a line.
func (f *follower) peek() (rune, bool) {
	if f.column < len(f.text.lines[f.line]) {
		return f.text.lines[f.line][f.column], true
	}
	return 0, false
}

// atBlankRest tells whether nothing but blanks follow on this line.
func (f *follower) atBlankRest() bool {
	line := f.text.lines[f.line]
	if f.trimmedLine != f.line || f.trimmed == 0 {
		f.trimmedLine, f.trimmed = f.line, len(line)
		for f.trimmed > 0 && isBlank(line[f.trimmed-1]) {
			f.trimmed--
		}
	}
	return f.column >= f.trimmed
}

// skipBlanks passes the blanks here.
func (f *follower) skipBlanks() {
	for r, ok := f.peek(); ok && isBlank(r); r, ok = f.peek() {
		f.column++
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

func (f *follower) nextLine() bool {
	if f.line+1 >= len(f.text.lines) {
		return false
	}
	f.line++
	f.column = 0
	return true
}

// skipProperties passes the anchor and the tag of a scalar.
func (f *follower) skipProperties(n *yaml.Node) {
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return
	}
	for {
		r, ok := f.peek()
		if !ok || r != '&' && r != '!' {
			return
		}
		for ok && !isBlank(r) {
			f.column++
			r, ok = f.peek()
		}
		for f.atBlankRest() && f.nextLine() {
			continue
		}
		f.skipBlanks()
	}
}

// enterBlock goes from the header of a block scalar to its first character.
func (f *follower) enterBlock() bool {
	header := f.text.lines[f.line]
	if strings.ContainsAny(string(header[min(f.column, len(header)):]), "123456789") || !f.nextLine() {
		return false // an explicit indentation is counted from the parent's, which is not known here
	}
	f.isBlock = true
	for first := f.line; first < len(f.text.lines); first++ {
		if indent := f.text.indent(first); indent < math.MaxInt {
			f.indent, f.column = indent, indent
			return true
		}
	}
	return false
}

// settle goes to where the character r of the value stands: over line breaks and escaped line ends.
func (f *follower) settle(r rune) {
	if f.isBlock {
		if _, ok := f.peek(); !ok && r != '\n' && r != ' ' && f.nextLine() {
			f.column = f.indent
		}
		return
	}
	if f.pending != "" || r != ' ' && r != '\n' || !f.atBlankRest() {
		return
	}
	breaks := 0
	for f.atBlankRest() && f.nextLine() {
		breaks++
	}
	f.skipBlanks()
	if f.pending = " "; breaks > 1 {
		f.pending = strings.Repeat("\n", breaks-1)
	}
}

// fold takes r from the line breaks passed before; done is false when there are none.
func (f *follower) fold(r rune) (matches, done bool) {
	if f.pending == "" {
		return false, false
	}
	matches = rune(f.pending[0]) == r
	f.pending = f.pending[1:]
	return matches, true
}

func (f *follower) plain(r rune) bool {
	if matches, done := f.fold(r); done {
		return matches
	}
	got, ok := f.peek()
	f.column++
	return ok && got == r
}

func (f *follower) singleQuoted(r rune) bool {
	if r == '\'' {
		f.column++ // it is written twice
	}
	return f.plain(r)
}

func (f *follower) doubleQuoted(r rune) bool {
	if matches, done := f.fold(r); done {
		return matches
	}
	if got, ok := f.peek(); !ok || got != '\\' {
		return f.plain(r)
	}
	f.column++
	escape, ok := f.peek()
	if !ok { // an escaped line end stands for nothing
		if !f.nextLine() {
			return false
		}
		f.skipBlanks()
		return f.doubleQuoted(r)
	}
	f.column++
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[escape]
	if digits == 0 {
		return true
	}
	line := f.text.lines[f.line]
	if len(line) < f.column+digits {
		return false
	}
	code, err := strconv.ParseUint(string(line[f.column:f.column+digits]), 16, 32)
	f.column += digits
	return err == nil && rune(code) == r
}

func (f *follower) block(r rune) bool {
	got, ok := f.peek()
	if ok {
		f.column++
		return got == r
	}
	if r != '\n' && r != ' ' || !f.nextLine() {
		return false
	}
	f.column = min(f.indent, len(f.text.lines[f.line]))
	return true
}
