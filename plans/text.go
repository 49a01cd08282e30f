package plans

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// text is a plan file by lines, for snippets and for places inside of scalars.
type text struct {
	file   string
	lines  [][]rune // without their line ends
	hidden []bool   // lines that hold a connection string and are shown as far as their first colon only
}

func newText(file string, source []byte) *text {
	t := &text{file: file}
	for line := range bytes.SplitSeq(source, []byte("\n")) {
		t.lines = append(t.lines, bytes.Runes(bytes.TrimSuffix(line, []byte("\r"))))
	}
	t.hidden = make([]bool, len(t.lines))
	for i, line := range t.lines {
		if uriField.MatchString(string(line)) {
			t.hide(i)
		}
	}
	return t
}

// uriField matches the lines on which a connection string is given.
var uriField = regexp.MustCompile(`\buri["']?\s*:`)

// userinfo matches the part of a connection string that holds the password. It is greedy, for a password
// may hold an @ that should have been percent-encoded.
var userinfo = regexp.MustCompile(`(?i)(mongodb(?:\+srv)?:/*)\S*@`)

// reference matches a ${NAME} whose braces hold nothing of a value.
var reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(:\?[^{}]*|:-)?\}`)

// hide keeps the value that begins on line i, and goes on over the lines below that are indented deeper,
// out of every snippet.
func (t *text) hide(i int) {
	indent := t.indent(i)
	t.hidden[i] = true
	for i++; i < len(t.lines) && t.indent(i) > indent; i++ {
		t.hidden[i] = true
	}
}

// indent returns how many blanks line i begins with; a blank line is indented without end.
func (t *text) indent(i int) int {
	for column, r := range t.lines[i] {
		if r != ' ' && r != '\t' {
			return column
		}
	}
	return math.MaxInt
}

// snippet returns the line of a place with secrets masked, and the column of the place in it.
func (t *text) snippet(at Position) (line string, caret int) {
	if at.Line < 1 || at.Line > len(t.lines) {
		return "", at.Column
	}
	runes := t.lines[at.Line-1]
	runes = runes[:min(len(runes), 20*maxSnippet)] // enough for a connection string that begins in what is shown
	before := string(runes[:min(max(at.Column-1, 0), len(runes))])
	line = string(runes)
	if t.hidden[at.Line-1] {
		line = hideValue(line)
	} else {
		line = userinfo.ReplaceAllString(line, "${1}***@")
		before = userinfo.ReplaceAllString(before, "${1}***@")
	}
	if before = commonPrefix(line, before); utf8.RuneCountInString(line) > maxSnippet {
		line = string([]rune(line)[:maxSnippet]) + "…"
	}
	return strings.ToValidUTF8(line, "?"), min(utf8.RuneCountInString(before), maxSnippet) + 1
}

// maxSnippet is how much of a line is worth showing, in characters.
const maxSnippet = 200

// harmless matches what is left of a connection string without its references, where these held the password.
var harmless = regexp.MustCompile(`^["']?(mongodb(\+srv)?://([A-Za-z0-9._-]*:)?@[A-Za-z0-9.,:_-]*(/[A-Za-z0-9_-]*)?)?["']?\s*(#.*)?$`)

// hideValue masks what follows the first colon of a line, or all of it, unless ${NAME} keeps the secret.
func hideValue(line string) string {
	value := strings.TrimLeft(line, " \t-")
	if _, after, found := strings.Cut(line, ": "); found {
		value = strings.TrimLeft(after, " ")
	}
	if harmless.MatchString(reference.ReplaceAllString(value, "")) {
		return line
	}
	return strings.TrimSuffix(line, value) + "***"
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}
