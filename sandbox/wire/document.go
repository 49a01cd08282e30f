package wire

import (
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// Without is a document without some of its fields.
func Without(document bson.Raw, fields ...string) bson.Raw {
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(document)))
	elements, _ := document.Elements() // were walked over when the message was parsed
	for _, element := range elements {
		if !containsFold(fields, element.Key()) {
			out = append(out, element...)
		}
	}
	out, _ = bsoncore.AppendDocumentEnd(out, index)
	return out
}

// With is a document with more fields at its end; those of the same names are replaced.
func With(document bson.Raw, fields bson.D) (bson.Raw, error) {
	names := make([]string, len(fields))
	for n, field := range fields {
		names[n] = field.Key
	}
	added, err := bson.Marshal(fields)
	if err != nil {
		return nil, err
	}
	out := Without(document, names...)
	out = append(out[:len(out)-1], added[4:]...)
	return setLength(out), nil
}

func containsFold(list []string, name string) bool {
	for _, entry := range list {
		if strings.EqualFold(entry, name) {
			return true
		}
	}
	return false
}

// isTrue reads what MongoDB takes for a boolean: a boolean, or a number.
func isTrue(value bson.RawValue, absent bool) bool {
	if value.Type == bson.TypeBoolean {
		return value.Boolean()
	}
	if number, ok := value.AsInt64OK(); ok {
		return number != 0
	}
	return absent
}
