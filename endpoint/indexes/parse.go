package indexes

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"gopkg.in/yaml.v3"
)

// Mistake is what is wrong at one place of an index file. Line and Column count from 1, Column in characters.
type Mistake struct {
	Line    int
	Column  int
	Message string
	Hint    string // what was probably meant, or what to do
}

func (m Mistake) String() string { return fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Message) }

// Limits of an index file, against aliases that multiply.
const (
	mostBytes    = 16 << 20
	mostNodes    = 1_000_000
	mostMistakes = 200
)

// parser gathers the mistakes of a file.
type parser struct {
	mistakes []Mistake
	nodes    int
	depth    int
}

// Parse reads an index file, and finds all its mistakes in one pass. There are no collections where there is one.
func Parse(text []byte) ([]Collection, []Mistake) {
	p := &parser{}
	list := p.file(text)
	if len(p.mistakes) > 0 {
		slices.SortStableFunc(p.mistakes, func(a, b Mistake) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
		return nil, p.mistakes
	}
	return list, nil
}

func (p *parser) report(n *yaml.Node, hint, format string, args ...any) {
	p.reportAt(max(n.Line, 1), max(n.Column, 1), hint, format, args...)
}

func (p *parser) reportAt(line, column int, hint, format string, args ...any) {
	if len(p.mistakes) < mostMistakes {
		p.mistakes = append(p.mistakes, Mistake{Line: line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
}

const beginning = "an index file begins with `version: 1`"

func (p *parser) file(text []byte) []Collection {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(text) > mostBytes || bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
		p.reportAt(1, 1, "", "this is not a text file in UTF-8 of at most %d bytes, so it is no index file", mostBytes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && (len(document.Content) == 0 || document.Content[0].ShortTag() == "!!null"):
		p.reportAt(1, 1, beginning, "the file is empty")
		return nil
	case err != nil:
		p.syntax(text, err)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		p.report(&second, "put each into a file of its own", "a second YAML document begins here; an index file holds one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.syntax(text, err)
		return nil
	}
	return p.root(document.Content[0])
}

var syntaxLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

func (p *parser) syntax(text []byte, err error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n, line := range lines {
		if blanks := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; bytes.IndexByte(blanks, '\t') >= 0 {
			p.reportAt(n+1, bytes.IndexByte(blanks, '\t')+1, "replace tabs with spaces", "a tab in the indentation; YAML wants spaces")
			return
		}
	}
	message := syntaxLine.ReplaceAllString(strings.ReplaceAll(err.Error(), "\n", " "), "")
	// The error often names the start of the block around it. The shortest beginning of the file with the same
	// error ends at the line itself.
	line := 1 + sort.Search(len(lines)-1, func(n int) bool {
		decoder := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines[:n+1], nil)))
		for {
			if e := decoder.Decode(new(yaml.Node)); e != nil {
				return e.Error() == err.Error()
			}
		}
	})
	content := lines[line-1]
	p.reportAt(line, len(content)-len(bytes.TrimLeft(content, " "))+1, "", "this is not YAML: %s", message)
}

// entry is a field of a mapping.
type entry struct {
	key   *yaml.Node
	value *yaml.Node
}

// follow returns what an alias stands for, and counts.
func (p *parser) follow(n *yaml.Node) *yaml.Node {
	p.nodes++
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// mapping returns a mapping's fields, each name once; ok is false where it is none.
func (p *parser) mapping(n *yaml.Node, what, hint string) (fields []entry, ok bool) {
	n = p.follow(n)
	if n.Kind != yaml.MappingNode {
		p.report(n, hint, "%s must be a mapping, not %s", what, describe(n))
		return nil, false
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := p.follow(n.Content[i])
		switch {
		case key.Kind != yaml.ScalarNode:
			p.report(n.Content[i], "", "the name of a field must be plain text")
		case key.ShortTag() == "!!merge":
			p.report(key, "", "<< is not known in an index file")
		case first[key.Value] != 0:
			p.report(n.Content[i], fmt.Sprintf("the first is on line %d", first[key.Value]), "%q is given twice", key.Value)
		default:
			first[key.Value] = max(key.Line, 1)
			fields = append(fields, entry{key, n.Content[i+1]})
		}
	}
	return fields, true
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return shortQuote(n.Value)
}

func shortQuote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}

func (p *parser) root(n *yaml.Node) []Collection {
	fields, ok := p.mapping(n, "an index file", beginning)
	if !ok {
		return nil
	}
	var list []Collection
	versioned := false
	for _, f := range fields {
		switch f.key.Value {
		case "version":
			versioned = true
			if v := p.follow(f.value); v.Value != strconv.Itoa(fileVersion) {
				p.report(v, "", "version %s is not known; this vida knows version %d of index files", strings.Trim(describe(v), `"`), fileVersion)
			}
		case "collections":
			list = p.collections(f.value)
		default:
			p.report(f.key, suggest(f.key.Value, []string{"version", "collections"}), "an index file has no field %q", f.key.Value)
		}
	}
	if !versioned {
		p.report(n, beginning, "an index file needs the field \"version\"")
	}
	if !slices.ContainsFunc(fields, func(f entry) bool { return f.key.Value == "collections" }) {
		p.report(n, "collections: {NAME: [{key: {field: 1}}]}", "an index file needs the field \"collections\"")
	}
	return list
}

func (p *parser) collections(n *yaml.Node) []Collection {
	fields, ok := p.mapping(n, "collections", "collections: {NAME: [{key: {field: 1}}]}")
	if !ok {
		return nil
	}
	var list []Collection
	for _, f := range fields {
		name := f.key.Value
		if name == "" || strings.ContainsAny(name, "$\x00") || strings.HasPrefix(name, "system.") {
			p.report(f.key, "", "%s cannot be the name of a collection", shortQuote(name))
		}
		list = append(list, Collection{Name: name, Indexes: p.indexes(f.value)})
	}
	return list
}

func (p *parser) indexes(n *yaml.Node) []Index {
	list := p.follow(n)
	if list.Kind == yaml.ScalarNode && list.ShortTag() == "!!null" {
		return nil // all of them were removed
	}
	if list.Kind != yaml.SequenceNode {
		p.report(list, "- key: {field: 1}", "the indexes of a collection must be a list, not %s", describe(list))
		return nil
	}
	var indexes []Index
	lines := map[string]int{}
	alike := map[string][]Index{} // by the names of their fields
	for _, item := range list.Content {
		index, ok := p.index(item)
		if !ok {
			continue
		}
		if line := lines[index.Name()]; line != 0 {
			p.report(item, fmt.Sprintf("the first is on line %d", line), "two indexes of one collection are called %q", index.Name())
			continue
		}
		lines[index.Name()] = max(item.Line, 1)
		names := fmt.Sprint(index.Fields())
		for _, other := range alike[names] {
			if len(Differences(other, index)) == 0 {
				p.report(item, "remove one of them", "%s and %s are the same index under two names", other.Name(), index.Name())
			}
		}
		alike[names] = append(alike[names], index)
		indexes = append(indexes, index)
	}
	return indexes
}

// index reads one definition; ok is false where it has a mistake.
func (p *parser) index(n *yaml.Node) (Index, bool) {
	before := len(p.mistakes)
	fields, ok := p.mapping(n, "an index", "- key: {field: 1}")
	if !ok {
		return Index{}, false
	}
	name := ""
	var key bson.Raw
	var keyNode *yaml.Node
	var options []field
	at := map[string]*yaml.Node{}
	for _, f := range fields {
		switch f.key.Value {
		case "name":
			name = p.name(f.value)
		case "key":
			keyNode = f.value
			key = p.key(f.value)
		default:
			at[f.key.Value] = f.key
			if value, ok := p.option(f); ok {
				options = append(options, field{f.key.Value, value})
			}
		}
	}
	if keyNode == nil {
		p.report(n, "key: {field: 1}", "an index needs the field \"key\"")
	}
	if len(p.mistakes) > before {
		return Index{}, false
	}
	if name == "" {
		name = defaultName(key)
	}
	index := newIndex(name, key, options)
	p.judge(index, keyNode, at)
	return index, len(p.mistakes) == before
}

func (p *parser) name(n *yaml.Node) string {
	n = p.follow(n)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" || n.Value == "*" {
		p.report(n, "leave the line out for the usual name", "name must be a text, not %s", describe(n))
		return ""
	}
	return n.Value
}

// key reads a key pattern.
func (p *parser) key(n *yaml.Node) bson.Raw {
	const form = "key: {field: 1}, with -1 for descending order"
	fields, ok := p.mapping(n, "key", form)
	if !ok {
		return nil
	}
	if len(fields) == 0 {
		p.report(n, form, "key must not be empty")
	}
	for _, f := range fields {
		value, ok := p.value(f.value)
		if !ok {
			continue
		}
		word, isWord := value.StringValueOK()
		direction, isNumber := number(value)
		switch {
		case f.key.Value == "":
			p.report(f.key, "", "the field of a key has no name")
		case isWord && !slices.Contains(keyTypes, word):
			p.report(f.value, firstOf(suggestNear(word, keyTypes), oneOf(append([]string{"1", "-1"}, keyTypes...))), "%s is no type of index", shortQuote(word))
		case !isWord && (!isNumber || direction == 0 || direction != direction):
			p.report(f.value, oneOf(append([]string{"1", "-1"}, keyTypes...)), "a key cannot be %s", Text(value))
		}
	}
	value, _ := p.value(n)
	document, _ := value.DocumentOK()
	return document
}

// option reads an option of the whitelist.
func (p *parser) option(f entry) (bson.RawValue, bool) {
	known, ok := lookUp(f.key.Value)
	if !ok {
		hint := suggest(f.key.Value, optionNames())
		if slices.Contains(bookkeeping, f.key.Value) {
			hint = "remove the line: each server sets its own"
		}
		p.report(f.key, hint, "an index has no field %q", f.key.Value)
		return bson.RawValue{}, false
	}
	value, ok := p.value(f.value)
	if !ok {
		return value, false
	}
	_, isNum := number(value)
	_, flag := value.BooleanOK()
	_, isTextual := value.StringValueOK()
	_, isDoc := value.DocumentOK()
	fits := map[kind]bool{flagKind: flag || isNum, numberKind: isNum, textKind: isTextual, documentKind: isDoc}
	if !fits[known.kind] {
		p.report(f.value, "", "%s must be %s, not %s", known.name, known.kind, describe(p.follow(f.value)))
		return value, false
	}
	return value, true
}

func optionNames() []string {
	names := []string{"name", "key"}
	for _, o := range whitelist {
		names = append(names, o.name)
	}
	return names
}
