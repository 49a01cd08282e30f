package indexes

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"gopkg.in/yaml.v3"
)

// value reads a YAML value as BSON: whole numbers become int32 where they fit, else int64, other numbers doubles,
// and extended JSON what it stands for. ok is false after reporting a mistake.
func (p *parser) value(n *yaml.Node) (value bson.RawValue, ok bool) {
	n = p.follow(n)
	p.depth++
	defer func() { p.depth-- }()
	if p.nodes > mostNodes || p.depth > 2*deepest {
		if p.nodes <= mostNodes+1 || p.depth == 2*deepest+1 {
			p.report(n, "", "this is too deep, or too large once its aliases are followed")
		}
		return bson.RawValue{}, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		var items []field
		ok = true
		for i, item := range n.Content {
			v, good := p.value(item)
			ok = ok && good
			items = append(items, field{strconv.Itoa(i), v})
		}
		if !ok {
			return bson.RawValue{}, false
		}
		return bson.RawValue{Type: bson.TypeArray, Value: documentOf(items)}, true
	case yaml.MappingNode:
		return p.document(n)
	}
	return p.scalar(n)
}

func (p *parser) document(n *yaml.Node) (value bson.RawValue, ok bool) {
	before := len(p.mistakes)
	fields, _ := p.mapping(n, "", "")
	if len(fields) > 0 {
		for _, wrapper := range wrappers {
			if fields[0].key.Value == wrapper {
				return p.wrapped(n)
			}
		}
	}
	var list []field
	for _, f := range fields {
		if strings.ContainsRune(f.key.Value, 0) {
			p.report(f.key, "", "the name of a field holds a zero byte")
			continue
		}
		if v, good := p.value(f.value); good {
			list = append(list, field{f.key.Value, v})
		}
	}
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: documentOf(list)}, len(p.mistakes) == before
}

// wrapped reads extended JSON, or BSON.
func (p *parser) wrapped(n *yaml.Node) (bson.RawValue, bool) {
	var raw bson.Raw
	var err error
	if n.Content[0].Value == "$bson" {
		raw, err = base64.StdEncoding.DecodeString(n.Content[1].Value)
		if err == nil && !valid(raw) {
			err = errors.New("not a BSON document")
		}
	} else {
		var b strings.Builder
		b.WriteString(`{"v":`)
		if err = toJSON(&b, n, 0); err == nil {
			err = bson.UnmarshalExtJSON([]byte(b.String()+"}"), false, &raw)
		}
	}
	value := raw.Lookup("v")
	if err != nil || value.Type == 0 {
		p.report(n, "extended JSON: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/", "%s is not extended JSON here", n.Content[0].Value)
		return bson.RawValue{}, false
	}
	return value, true
}

// toJSON writes a node of a wrapped value, which has texts, numbers and mappings.
func toJSON(b *strings.Builder, n *yaml.Node, depth int) error {
	if depth > 4 {
		return fmt.Errorf("too deep")
	}
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return err
			}
			b.Write(name)
			b.WriteByte(':')
			if err := toJSON(b, n.Content[i+1], depth+1); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case yaml.ScalarNode:
		if tag := n.ShortTag(); tag == "!!int" || tag == "!!bool" {
			b.WriteString(n.Value)
			return nil
		}
		text, err := json.Marshal(n.Value)
		b.Write(text)
		return err
	}
	return fmt.Errorf("neither a text nor a mapping")
}

func (p *parser) scalar(n *yaml.Node) (bson.RawValue, bool) {
	tag := n.ShortTag()
	if tag == "!!float" && !strings.ContainsAny(n.Value, ".eEnN") {
		tag = "!!int" // YAML takes what is too large for an integer as a float
	}
	switch tag {
	case "!!null":
		return bson.RawValue{Type: bson.TypeNull}, true
	case "!!bool":
		return valueOf(strings.EqualFold(n.Value, "true")), true
	case "!!int":
		i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64)
		if err != nil {
			p.report(n, `write {$numberDecimal: "..."}`, "%s does not fit into 64 bits", shortQuote(n.Value))
			return bson.RawValue{}, false
		}
		if int64(int32(i)) == i {
			return valueOf(int32(i)), true
		}
		return valueOf(i), true
	case "!!float":
		f, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+"), 64)
		if err != nil {
			p.report(n, `write {$numberDouble: "NaN"}, "Infinity" or "-Infinity"`, "%s is no number here", shortQuote(n.Value))
			return bson.RawValue{}, false
		}
		return valueOf(f), true
	case "!!str":
		return valueOf(n.Value), true
	case "!!timestamp":
		p.report(n, fmt.Sprintf("write {$date: %q}, or quote it if a text is meant", n.Value), "%s is not quoted: a date or a text?", n.Value)
		return bson.RawValue{}, false
	}
	p.report(n, "", "the tag %s is not known here", n.Tag)
	return bson.RawValue{}, false
}
