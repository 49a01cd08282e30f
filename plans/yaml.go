package plans

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parseYAML returns the root mapping of a plan, or nil after reporting why there is none.
func parseYAML(r *reporter, source []byte) *yaml.Node {
	first := Position{Line: 1, Column: 1}
	switch {
	case len(source) > maxFileBytes:
		r.report(first, "", "the file has %d bytes; a plan has at most %d", len(source), maxFileBytes)
		return nil
	case bytes.IndexByte(source, 0) >= 0 || !utf8.Valid(source):
		r.report(r.text.firstBinary(), "", "this is not a text file in UTF-8, so it is not a plan")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(&document) {
		r.report(first, "a plan begins with `version: 1`", "the file is empty")
		return nil
	}
	if err == nil {
		var second yaml.Node
		if err = decoder.Decode(&second); err == nil {
			r.report(Position{Line: max(second.Line, 1), Column: max(second.Column, 1)},
				"put each plan into a file of its own", "a second YAML document begins here; a plan file holds one")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		reportSyntax(r, source, err)
		return nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		r.report(nodePosition(root), "a plan begins with `version: 1`", "a plan is a mapping of fields, and this is not one")
		return nil
	}
	return root
}

func isEmpty(document *yaml.Node) bool {
	return len(document.Content) == 0 ||
		document.Content[0].Kind == yaml.ScalarNode && document.Content[0].Tag == "!!null"
}

// reportSyntax says what yaml.v3 could not read, with the help that a person needs in the usual cases.
func reportSyntax(r *reporter, source []byte, err error) {
	if at, others, ok := r.text.tabIndent(); ok {
		message := "a tab in the indentation; YAML wants spaces"
		if others > 0 {
			message = fmt.Sprintf("%s (and %d more such lines)", message, others)
		}
		r.report(at, "replace tabs with spaces", "%s", message)
		return
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		r.report(r.text.find("*"+name), "", "the alias *%s has no anchor &%s before it", name, name)
		return
	}
	line := errorLine(source, err)
	if after, ok := strings.CutPrefix(message, "line "); ok {
		if _, rest, ok := strings.Cut(after, ": "); ok {
			message = rest
		}
	}
	content := string(r.text.lines[line-1])
	trimmed := strings.TrimLeft(content, " \t")
	hint := ""
	switch {
	case strings.Contains(content, "${") && strings.ContainsAny(content, "[{"):
		hint = `in { } and [ ], quote ${...}: "${NAME}"`
	case strings.Contains(message, "alphabetic or numeric"):
		hint = `quote what begins with * or &: "*"`
	case strings.Contains(message, "mapping values are not allowed"):
		hint = "quote a text that holds a colon and a blank, or mend the indentation"
	case strings.Contains(message, "cannot start any token"):
		hint = "quote a text that begins with @, ` or %"
	case strings.Contains(message, "did not find expected key"), strings.Contains(message, "expected '-' indicator"):
		hint = "is this line, or the one before it, indented as its neighbours are?"
	case strings.Contains(message, "unexpected end of stream"):
		hint = "a quote is never closed"
	}
	column := utf8.RuneCountInString(content) - utf8.RuneCountInString(trimmed) + 1
	r.report(Position{Line: line, Column: column}, hint, "this is not YAML: %s", message)
}

// errorLine returns the line that a YAML error is about. yaml.v3 often names the start of the block around
// it; the shortest beginning of the file with the very same error ends at the line itself.
func errorLine(source []byte, err error) int {
	lines := bytes.SplitAfter(source, []byte("\n"))
	n := sort.Search(len(lines), func(n int) bool {
		var node yaml.Node
		decoder := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines[:n], nil)))
		for {
			if e := decoder.Decode(&node); e != nil {
				return e.Error() == err.Error()
			}
		}
	})
	return min(max(n, 1), len(lines))
}

// tabIndent returns the first tab among the blanks that a line begins with, and how many more lines have one.
func (t *text) tabIndent() (first Position, others int, found bool) {
	for i, line := range t.lines {
		for column, r := range line {
			if r == '\t' && !found {
				first, found = Position{Line: i + 1, Column: column + 1}, true
				break
			}
			if r == '\t' {
				others++
				break
			}
			if r != ' ' {
				break
			}
		}
	}
	return first, others, found
}

// find returns the first place of s, or the start of the file.
func (t *text) find(s string) Position {
	for i, line := range t.lines {
		if before, _, ok := strings.Cut(string(line), s); ok {
			return Position{Line: i + 1, Column: utf8.RuneCountInString(before) + 1}
		}
	}
	return Position{Line: 1, Column: 1}
}

// firstBinary returns the first place that is no text.
func (t *text) firstBinary() Position {
	for i, line := range t.lines {
		for column, r := range line {
			if r == 0 || r == utf8.RuneError {
				return Position{Line: i + 1, Column: column + 1}
			}
		}
	}
	return Position{Line: 1, Column: 1}
}
