package plans

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// value is a node of the plan with aliases followed, merge keys merged and scalars interpolated.
type value struct {
	node   *yaml.Node
	fields []fieldValue // of a mapping, in the file's order
	items  []*value     // of a sequence

	text     string // of a scalar
	tag      string // of a scalar: !!str, !!int, !!float, !!bool, !!null, !!timestamp
	names    []string
	segments []segment
	broken   bool // its mistake is reported already: what depends on it is not looked at
}

type fieldValue struct {
	name  string
	key   *yaml.Node
	value *value
}

func (v *value) position() Position { return nodePosition(v.node) }

func nodePosition(n *yaml.Node) Position { return Position{Line: n.Line, Column: n.Column} }

func (v *value) isMapping() bool  { return v.node.Kind == yaml.MappingNode }
func (v *value) isSequence() bool { return v.node.Kind == yaml.SequenceNode }
func (v *value) isScalar() bool   { return v.node.Kind == yaml.ScalarNode }
func (v *value) isNull() bool     { return v.isScalar() && v.tag == "!!null" }

// isInterpolated tells whether a ${NAME} went into the scalar.
func (v *value) isInterpolated() bool { return len(v.names) > 0 }

// field returns the value of a mapping's field, or nil.
func (v *value) field(name string) *value {
	for _, f := range v.fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// show returns the scalar for a message: as the file has it, never with a value of the environment.
func (v *value) show() string {
	written := v.text
	if v.isInterpolated() {
		written = v.node.Value
	}
	written = userinfo.ReplaceAllString(written, "${1}***@")
	if utf8.RuneCountInString(written) > 60 {
		written = string([]rune(written)[:60]) + "…"
	}
	if v.isInterpolated() {
		return strings.ReplaceAll(written, "\n", " ")
	}
	if v.tag != "!!str" {
		return written // numbers and truth values
	}
	return fmt.Sprintf("%q", written)
}

// describe says what kind of thing the value is, for "must be X, not Y".
func (v *value) describe() string {
	switch {
	case v.isMapping():
		return "a mapping"
	case v.isSequence():
		return "a list"
	case v.tag == "!!null":
		return "nothing"
	}
	return v.show()
}

// Limits of a plan, against aliases that multiply.
const (
	maxFileBytes = 1 << 20
	maxValues    = 50_000
	maxDepth     = 100
	maxProblems  = 20 // that are told of one scalar
)

// expander turns YAML nodes into values.
type expander struct {
	*reporter
	names    *scope
	values   int
	depth    int
	open     map[*yaml.Node]bool // anchors whose alias is being followed
	outer    *yaml.Node          // the alias followed first, where one is
	overflow bool                // reported once; the rest is not expanded
}

func (e *expander) expand(n *yaml.Node) *value {
	if e.values++; !e.overflow && (e.values > maxValues || e.depth > maxDepth) {
		e.overflow = true
		at := n
		if e.outer != nil {
			at = e.outer
		}
		e.report(nodePosition(at), "", "the plan is too large once its aliases are followed, or nested too deeply")
	}
	if e.overflow {
		return &value{node: &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line, Column: n.Column}, broken: true}
	}
	e.depth++
	defer func() { e.depth-- }()
	switch n.Kind {
	case yaml.AliasNode:
		return e.alias(n)
	case yaml.MappingNode:
		return e.mapping(n)
	case yaml.SequenceNode:
		v := &value{node: n}
		for _, item := range n.Content {
			v.items = append(v.items, e.expand(item))
		}
		return v
	}
	return e.scalar(n)
}

func (e *expander) alias(n *yaml.Node) *value {
	if e.open[n.Alias] {
		e.report(nodePosition(n), "", "the alias *%s stands inside of its own anchor", n.Value)
		return &value{node: &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line, Column: n.Column}, broken: true}
	}
	e.open[n.Alias] = true
	defer delete(e.open, n.Alias)
	if e.outer == nil {
		e.outer = n
		defer func() { e.outer = nil }()
	}
	return e.expand(n.Alias)
}

func (e *expander) mapping(n *yaml.Node) *value {
	v := &value{node: n}
	var merged []fieldValue
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, content := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = &yaml.Node{Kind: key.Alias.Kind, Tag: key.Alias.Tag, Value: key.Alias.Value, Line: key.Line, Column: key.Column}
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			e.report(nodePosition(key), "", "a field name must be plain text")
			continue
		case key.Tag == "!!merge":
			merged = append(merged, e.merge(e.expand(content))...)
			continue
		case strings.Contains(key.Value, "${"):
			e.report(nodePosition(key), "", "a ${NAME} cannot stand in a field name")
			continue
		}
		if first := seen[key.Value]; first != nil {
			e.report(nodePosition(key), fmt.Sprintf("the first is on line %d", first.Line), "%q is given twice", key.Value)
			continue
		}
		seen[key.Value] = key
		v.fields = append(v.fields, fieldValue{name: key.Value, key: key, value: e.expand(content)})
	}
	for _, f := range merged {
		if seen[f.name] == nil {
			seen[f.name] = f.key
			v.fields = append(v.fields, f)
		}
	}
	return v
}

// merge returns the fields that a << brings. Earlier ones win.
func (e *expander) merge(v *value) []fieldValue {
	switch {
	case v.broken:
		return nil
	case v.isMapping():
		return v.fields
	case v.isSequence():
		var fields []fieldValue
		for _, item := range v.items {
			if item.isSequence() {
				e.reportAt(item, "", "<< merges mappings, not lists of lists")
				continue
			}
			fields = append(fields, e.merge(item)...)
		}
		return fields
	}
	e.reportAt(v, "", "<< merges a mapping or a list of mappings, not %s", v.describe())
	return nil
}

func (e *expander) scalar(n *yaml.Node) *value {
	v := &value{node: n, text: n.Value, tag: n.ShortTag()}
	switch v.tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
	default:
		e.reportAt(v, "", "the tag %s is not known in a plan", n.Tag)
		v.broken = true
		return v
	}
	if !strings.Contains(n.Value, "$") {
		return v
	}
	parts, problem := parseTemplate(n.Value, 0, 0)
	if problem != nil {
		e.report(e.text.place(n, problem.offset), problem.hint, "%s", problem.message)
		v.broken = true
		return v
	}
	var into interpolated
	parts.resolve(e.names, &into)
	for _, p := range into.problems[:min(len(into.problems), maxProblems)] {
		e.report(e.text.place(n, p.offset), p.hint, "%s", p.message)
	}
	v.broken = len(into.problems) > 0
	v.text, v.names = into.text.String(), into.names
	v.segments = into.segments
	if v.isInterpolated() && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 {
		v.tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: v.text}).ShortTag()
	}
	return v
}

// origin returns a hint that says where the names in a value are set, or "".
func (e *expander) origin(v *value) string {
	var origins []string
	for _, name := range v.names {
		if from := e.names.origin(name); from != "" {
			origins = append(origins, name+" is set by "+from)
		}
	}
	return strings.Join(origins, "; ")
}
