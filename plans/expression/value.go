package expression

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// What a BSON value is inside of an expression: nil for null and for a missing field, bool, string, int32, int64,
// float64, time.Time in UTC, ObjectID, Decimal128, Document, []any for an array, and Opaque for every other type.
// Numbers written in an expression are int, which becomes an int32 where it fits. Each of them goes back to the
// bytes that it came from.

// Document is an object of a document, undecoded.
type Document bson.Raw

// Opaque is a value of a type with which expressions do not compute: it can be compared for equality and copied.
type Opaque struct {
	Type  bsontype.Type
	Value string
}

// element is a field's value inside of a document: where its bytes are. Type 0 is a missing field.
type element struct {
	kind  bsontype.Type
	value []byte
}

var errMalformed = errors.New("the document is not valid BSON")

// decode returns an element's value for the expression.
func decode(e element) (any, error) {
	v := e.value
	switch e.kind {
	case 0, bson.TypeNull:
		return nil, nil
	case bson.TypeBoolean:
		return v[0] == 1, nil
	case bson.TypeString:
		return string(v[4 : len(v)-1]), nil
	case bson.TypeInt32:
		return int32(binary.LittleEndian.Uint32(v)), nil
	case bson.TypeInt64:
		return int64(binary.LittleEndian.Uint64(v)), nil
	case bson.TypeDouble:
		return math.Float64frombits(binary.LittleEndian.Uint64(v)), nil
	case bson.TypeDateTime:
		return time.UnixMilli(int64(binary.LittleEndian.Uint64(v))).UTC(), nil
	case bson.TypeObjectID:
		return primitive.ObjectID(v), nil
	case bson.TypeDecimal128:
		return decimalOf(v), nil
	case bson.TypeEmbeddedDocument:
		return Document(v), nil
	case bson.TypeArray:
		return decodeArray(v)
	}
	return Opaque{Type: e.kind, Value: string(v)}, nil
}

func decimalOf(v []byte) primitive.Decimal128 {
	return primitive.NewDecimal128(binary.LittleEndian.Uint64(v[8:]), binary.LittleEndian.Uint64(v))
}

func decodeArray(array []byte) ([]any, error) {
	list := []any{}
	err := elements(array, func(_ []byte, e element) (bool, error) {
		v, err := decode(e)
		list = append(list, v)
		return true, err
	})
	return list, err
}

// encode appends a value of an expression and returns its type.
func encode(dst []byte, v any) (bsontype.Type, []byte, error) {
	switch v := v.(type) {
	case nil:
		return bson.TypeNull, dst, nil
	case bool:
		return bson.TypeBoolean, bsoncore.AppendBoolean(dst, v), nil
	case string:
		return bson.TypeString, bsoncore.AppendString(dst, v), nil
	case int32:
		return bson.TypeInt32, bsoncore.AppendInt32(dst, v), nil
	case int64:
		return bson.TypeInt64, bsoncore.AppendInt64(dst, v), nil
	case int:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return bson.TypeInt32, bsoncore.AppendInt32(dst, int32(v)), nil
		}
		return bson.TypeInt64, bsoncore.AppendInt64(dst, int64(v)), nil
	case float64:
		return bson.TypeDouble, bsoncore.AppendDouble(dst, v), nil
	case time.Time:
		return bson.TypeDateTime, bsoncore.AppendDateTime(dst, v.UnixMilli()), nil
	case time.Duration:
		return bson.TypeInt64, bsoncore.AppendInt64(dst, v.Milliseconds()), nil
	case primitive.ObjectID:
		return bson.TypeObjectID, append(dst, v[:]...), nil
	case primitive.Decimal128:
		return bson.TypeDecimal128, bsoncore.AppendDecimal128(dst, v), nil
	case Document:
		return bson.TypeEmbeddedDocument, append(dst, v...), nil
	case Opaque:
		return v.Type, append(dst, v.Value...), nil
	case []byte:
		return bson.TypeBinary, bsoncore.AppendBinary(dst, 0, v), nil
	case []any:
		return encodeArray(dst, v)
	case []string:
		list := make([]any, len(v))
		for n, text := range v {
			list[n] = text
		}
		return encodeArray(dst, list)
	case []int: // of a range: 1..3
		list := make([]any, len(v))
		for n, number := range v {
			list[n] = number
		}
		return encodeArray(dst, list)
	case map[any][]any:
		return encodeGroups(dst, v)
	}
	return 0, dst, fmt.Errorf("%s cannot be stored in a document", describe(v))
}

func encodeArray(dst []byte, list []any) (bsontype.Type, []byte, error) {
	start, dst := bsoncore.AppendDocumentStart(dst)
	for n, v := range list {
		var err error
		if dst, err = appendField(dst, fmt.Sprint(n), v); err != nil {
			return 0, dst, err
		}
	}
	dst, err := bsoncore.AppendDocumentEnd(dst, start)
	return bson.TypeArray, dst, err
}

// encodeGroups makes an object of what groupBy returns, its keys in order, for a map of Go has none.
func encodeGroups(dst []byte, groups map[any][]any) (bsontype.Type, []byte, error) {
	names := make(map[string][]any, len(groups))
	for key, list := range groups {
		name, err := text(key)
		if err != nil {
			return 0, dst, err
		}
		names[name] = list
	}
	ordered := make([]string, 0, len(names))
	for name := range names {
		ordered = append(ordered, name)
	}
	slices.Sort(ordered)
	pairs := make([]any, 0, 2*len(ordered))
	for _, name := range ordered {
		pairs = append(pairs, name, names[name])
	}
	document, err := object(pairs)
	if err != nil {
		return 0, dst, err
	}
	return bson.TypeEmbeddedDocument, append(dst, document...), nil
}

// appendField appends one field of an object.
func appendField(dst []byte, name string, v any) ([]byte, error) {
	start := len(dst)
	dst = bsoncore.AppendHeader(dst, bson.TypeNull, name)
	kind, dst, err := encode(dst, v)
	dst[start] = byte(kind)
	return dst, err
}

// object makes an object of names and values in turn.
func object(pairs []any) (Document, error) {
	start, dst := bsoncore.AppendDocumentStart(nil)
	for n := 0; n < len(pairs); n += 2 {
		name, ok := pairs[n].(string)
		if !ok {
			return nil, fmt.Errorf("the name of a field is a string, not %s", describe(pairs[n]))
		}
		if problem := badName(name); problem != "" {
			return nil, fmt.Errorf("a field cannot be called %q: %s", name, problem)
		}
		var err error
		if dst, err = appendField(dst, name, pairs[n+1]); err != nil {
			return nil, err
		}
	}
	dst, err := bsoncore.AppendDocumentEnd(dst, start)
	return Document(dst), err
}

// typeName is the name that MongoDB's $type has for a value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case string:
		return "string"
	case int32:
		return "int"
	case int:
		if v < math.MinInt32 || v > math.MaxInt32 {
			return "long"
		}
		return "int"
	case int64, time.Duration:
		return "long"
	case float64:
		return "double"
	case time.Time:
		return "date"
	case primitive.ObjectID:
		return "objectId"
	case primitive.Decimal128:
		return "decimal"
	case Document, map[any][]any:
		return "object"
	case []any, []string, []int:
		return "array"
	case []byte:
		return "binData"
	case Opaque:
		return opaqueNames[v.Type]
	}
	return fmt.Sprintf("%T", v)
}

var opaqueNames = map[bsontype.Type]string{
	bson.TypeBinary: "binData", bson.TypeUndefined: "undefined", bson.TypeRegex: "regex", bson.TypeDBPointer: "dbPointer",
	bson.TypeJavaScript: "javascript", bson.TypeCodeWithScope: "javascriptWithScope", bson.TypeTimestamp: "timestamp",
	bson.TypeMinKey: "minKey", bson.TypeMaxKey: "maxKey", bson.TypeSymbol: "symbol",
}

// describe is a value's type in a message.
func describe(v any) string {
	name := typeName(v)
	switch name {
	case "null":
		return "null"
	case "int", "array", "object", "objectId":
		return "an " + name
	}
	return "a " + name
}
