package expression

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"regexp"

	"go.mongodb.org/mongo-driver/bson"
)

// leaf is a test of one field against what is written in the expression: the commonest form of a filter, and the
// one that a source can evaluate. It is answered from the document's bytes, without decoding where the kinds agree.
type leaf struct {
	field    *reference
	operator string // == != < <= > >= in startsWith endsWith contains matches true
	literal  any
	pattern  *regexp.Regexp // of matches
	text     []byte         // the literal, where it is a string
	members  *members       // of in
}

// reference is a field that an expression reads: doc.a.b. Its slot is given when the whole transform is known.
type reference struct {
	path []string
	slot int
}

func (l *leaf) test(e element) (bool, error) {
	switch l.operator {
	case "true":
		return e.kind == bson.TypeBoolean && e.value[0] == 1, nil
	case "startsWith":
		text, ok := textBytes(e)
		return ok && bytes.HasPrefix(text, l.text), nil
	case "matches":
		text, ok := textBytes(e)
		return ok && l.pattern.Match(text), nil
	case "in":
		if text, ok := textBytes(e); ok {
			return l.members.strings[string(text)], nil
		}
		v, err := decode(e)
		return err == nil && l.members.has(v), err
	}
	switch literal := l.literal.(type) {
	case string:
		if text, ok := textBytes(e); ok {
			return l.testText(text), nil
		}
	case int:
		switch e.kind {
		case bson.TypeInt32:
			return holds(l.operator, cmp.Compare(int64(int32(binary.LittleEndian.Uint32(e.value))), int64(literal))), nil
		case bson.TypeInt64:
			return holds(l.operator, cmp.Compare(int64(binary.LittleEndian.Uint64(e.value)), int64(literal))), nil
		case bson.TypeDouble:
			f := math.Float64frombits(binary.LittleEndian.Uint64(e.value))
			if !math.IsNaN(f) {
				return holds(l.operator, -compareIntegerDouble(int64(literal), f)), nil
			}
		}
	}
	v, err := decode(e)
	if err != nil {
		return false, err
	}
	switch l.operator {
	case "endsWith", "contains":
		return false, nil // no string
	}
	return compares(l.operator, v, l.literal), nil
}

func (l *leaf) testText(text []byte) bool {
	switch l.operator {
	case "==":
		return bytes.Equal(text, l.text)
	case "!=":
		return !bytes.Equal(text, l.text)
	case "endsWith":
		return bytes.HasSuffix(text, l.text)
	case "contains":
		return bytes.Contains(text, l.text)
	}
	return holds(l.operator, bytes.Compare(text, l.text))
}

// textBytes returns the text of a string or a symbol, in place.
func textBytes(e element) ([]byte, bool) {
	if e.kind != bson.TypeString && e.kind != bson.TypeSymbol {
		return nil, false
	}
	return e.value[4 : len(e.value)-1], true
}

// members is a list that values are looked up in: strings by hash, for lists of _ids and codes get long.
type members struct {
	strings map[string]bool
	others  []any
}

func newMembers(list []any) *members {
	m := &members{strings: map[string]bool{}}
	for _, v := range list {
		if text, ok := stringOf(v); ok {
			m.strings[text] = true
		} else {
			m.others = append(m.others, v)
		}
	}
	return m
}

func (m *members) has(v any) bool {
	if text, ok := stringOf(v); ok {
		return m.strings[text]
	}
	for _, other := range m.others {
		if equal(v, other) {
			return true
		}
	}
	return false
}
