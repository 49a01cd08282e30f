// Package indexes is the model of an index: what of a server's listing another server takes, how two definitions
// differ, and the YAML file in which a person reads and edits them. It does no I/O and knows no connection.
package indexes

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// Index is a complete definition as createIndexes takes it: key, name, then options in the order of the whitelist.
// Values keep the type they have in BSON: 1, 1.0 and NumberLong(1) stay what they are. It is immutable.
type Index struct {
	definition bson.Raw
}

// Listed returns definitions as a server lists them, but for its bookkeeping: what they are compared by.
func Listed(listing []bson.Raw) []Index {
	var list []Index
	for _, listed := range listing {
		d := draft{leftOut: map[string]bool{}}
		d.entry.Name, _ = listed.Lookup("name").StringValueOK()
		d.key, _ = listed.Lookup("key").DocumentOK()
		for _, f := range fieldsOf(listed) {
			d.option(f)
		}
		d.words()
		list = append(list, newIndex(d.entry.Name, d.key, d.options))
	}
	return list
}

// field is one element of a document.
type field struct {
	name  string
	value bson.RawValue
}

// newIndex composes a definition. Options that are not on the whitelist come last.
func newIndex(name string, key bson.Raw, options []field) Index {
	options = slices.Clone(options)
	slices.SortStableFunc(options, func(a, b field) int { return place(a.name) - place(b.name) })
	fields := append([]field{{"key", bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: key}}, {"name", valueOf(name)}}, options...)
	return Index{definition: documentOf(fields)}
}

// Definition is the document that createIndexes takes.
func (i Index) Definition() bson.Raw { return i.definition }

// Name is the index's name.
func (i Index) Name() string {
	name, _ := i.definition.Lookup("name").StringValueOK()
	return name
}

// Key is the key pattern, its fields in their order.
func (i Index) Key() bson.Raw {
	key, _ := i.definition.Lookup("key").DocumentOK()
	return key
}

// Option returns an option; ok is false where the definition does not have it.
func (i Index) Option(name string) (value bson.RawValue, ok bool) {
	value = i.definition.Lookup(name)
	return value, value.Type != 0
}

// Unique tells whether two documents may not have the same values of the key.
func (i Index) Unique() bool { return i.truth("unique") }

// Sparse tells whether documents without any field of the key are left out.
func (i Index) Sparse() bool { return i.truth("sparse") }

// Fields are the names of the key's fields, in their order.
func (i Index) Fields() []string {
	var names []string
	for _, f := range fieldsOf(i.Key()) {
		names = append(names, f.name)
	}
	return names
}

// truth reads a flag. Old servers list flags as numbers.
func (i Index) truth(option string) bool {
	value, _ := i.Option(option)
	return truth(value)
}

func truth(value bson.RawValue) bool {
	if b, ok := value.BooleanOK(); ok {
		return b
	}
	n, ok := number(value)
	return ok && n != 0
}

// options returns everything but key and name.
func (i Index) options() []field {
	var list []field
	for _, f := range fieldsOf(i.definition) {
		if f.name != "key" && f.name != "name" {
			list = append(list, f)
		}
	}
	return list
}

// String is the index in a few words: name, key and options.
func (i Index) String() string {
	var b strings.Builder
	b.WriteString(i.Name() + " " + KeyText(i.Key()))
	for _, o := range i.options() {
		if on, ok := o.value.BooleanOK(); ok && on {
			b.WriteString(" " + o.name)
			continue
		}
		fmt.Fprintf(&b, " %s: %s", o.name, Text(o.value))
	}
	return b.String()
}

// Equal tells whether two definitions are the same byte for byte.
func (i Index) Equal(other Index) bool { return string(i.definition) == string(other.definition) }

// MarshalJSON writes canonical extended JSON, or base64 of the BSON where that would not read back exactly.
func (i Index) MarshalJSON() ([]byte, error) {
	text, err := bson.MarshalExtJSON(i.definition, true, false)
	if err == nil {
		var back Index
		if back.UnmarshalJSON(text) == nil && back.Equal(i) {
			return text, nil
		}
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(i.definition))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (i *Index) UnmarshalJSON(text []byte) error {
	var encoded string
	if json.Unmarshal(text, &encoded) == nil {
		definition, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return fmt.Errorf("index definition: %w", err)
		}
		if !valid(definition) {
			return errors.New("index definition: not a BSON document")
		}
		i.definition = definition
		return nil
	}
	var definition bson.Raw
	if err := bson.UnmarshalExtJSON(text, true, &definition); err != nil {
		return fmt.Errorf("index definition: %w", err)
	}
	i.definition = definition
	return nil
}

// fieldsOf returns a document's elements; of a broken one, those before the break.
func fieldsOf(document bson.Raw) []field {
	elements, err := document.Elements()
	if err != nil {
		return nil
	}
	list := make([]field, len(elements))
	for n, e := range elements {
		list[n] = field{e.Key(), e.Value()}
	}
	return list
}

// documentOf composes a document.
func documentOf(fields []field) bson.Raw {
	start, document := bsoncore.AppendDocumentStart(nil)
	for _, f := range fields {
		document = bsoncore.AppendValueElement(document, f.name, bsoncore.Value{Type: f.value.Type, Data: f.value.Value})
	}
	document, _ = bsoncore.AppendDocumentEnd(document, start) // the start is ours
	return bson.Raw(document)
}

// number reads a number of any type but Decimal128.
func number(value bson.RawValue) (float64, bool) {
	switch value.Type {
	case bson.TypeInt32:
		return float64(value.Int32()), true
	case bson.TypeInt64:
		return float64(value.Int64()), true
	case bson.TypeDouble:
		return value.Double(), true
	}
	return 0, false
}

// isID tells whether a key is that of the index on _id which every collection has.
func isID(key bson.Raw) bool {
	fields := fieldsOf(key)
	if len(fields) != 1 || fields[0].name != "_id" {
		return false
	}
	n, ok := number(fields[0].value)
	return ok && n == 1
}

// ofType tells whether a part of an index is of that type: a word of the key, or wildcard.
func (i Index) ofType(kind string) bool {
	if kind == "wildcard" {
		return isWildcard(i.Key())
	}
	return slices.ContainsFunc(fieldsOf(i.Key()), func(f field) bool {
		word, ok := f.value.StringValueOK()
		return ok && word == kind
	})
}

// isWildcard tells whether an index covers whatever fields there are.
func isWildcard(key bson.Raw) bool {
	return slices.ContainsFunc(fieldsOf(key), func(f field) bool { return f.name == "$**" || strings.HasSuffix(f.name, ".$**") })
}

// valueOf is a Go value as BSON has it.
func valueOf(v any) bson.RawValue {
	kind, data, err := bson.MarshalValue(v)
	if err != nil {
		return bson.RawValue{Type: bson.TypeNull}
	}
	return bson.RawValue{Type: kind, Value: data}
}

// valid tells whether a document is sound in all its depth. The driver's own check lets lengths below 5 pass, or
// panics at them.
func valid(document bson.Raw) (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	if len(document) < 5 || int64(binary.LittleEndian.Uint32(document)) != int64(len(document)) || document.Validate() != nil {
		return false
	}
	for _, f := range fieldsOf(document) {
		if composed := f.value.Type == bson.TypeEmbeddedDocument || f.value.Type == bson.TypeArray; composed && !valid(f.value.Value) {
			return false
		}
	}
	return true
}
