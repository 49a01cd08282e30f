package expression

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// equal tells whether two values are the same: numbers by value, whatever their types; objects when they have the
// same fields in the same order; null and a missing field are the same.
func equal(a, b any) bool {
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		if !ok {
			return false
		}
		order, comparable := compareNumbers(x, y)
		return comparable && order == 0
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case primitive.ObjectID:
		y, ok := b.(primitive.ObjectID)
		return ok && x == y
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case time.Duration:
		y, ok := b.(time.Duration)
		return ok && x == y
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	case Document:
		y, ok := b.(Document)
		return ok && (bytes.Equal(x, y) || equalDocuments(x, y))
	}
	if x, ok := stringOf(a); ok {
		y, ok := stringOf(b)
		return ok && x == y
	}
	if x, ok := arrayOf(a); ok {
		y, ok := arrayOf(b)
		return ok && equalArrays(x, y)
	}
	x, ok := a.(Opaque)
	y, also := b.(Opaque)
	return ok && also && x == y
}

// stringOf returns a string, or a symbol, which servers compare as one.
func stringOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Opaque:
		if v.Type == bson.TypeSymbol {
			return v.Value[4 : len(v.Value)-1], true
		}
	}
	return "", false
}

// arrayOf returns an array, in whichever form the evaluation has made it.
func arrayOf(v any) ([]any, bool) {
	list := []any{}
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		for _, one := range v {
			list = append(list, one)
		}
		return list, true
	case []int:
		for _, one := range v {
			list = append(list, one)
		}
		return list, true
	}
	return nil, false
}

func equalArrays(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if !equal(a[n], b[n]) {
			return false
		}
	}
	return true
}

func equalDocuments(a, b Document) bool {
	namesA, valuesA, errA := fields(a)
	namesB, valuesB, errB := fields(b)
	if errA != nil || errB != nil || len(namesA) != len(namesB) {
		return false
	}
	for n := range namesA {
		if namesA[n] != namesB[n] {
			return false
		}
	}
	return equalArrays(valuesA, valuesB)
}

// fields returns a document's names and values in their order.
func fields(d Document) (names []string, values []any, err error) {
	values = []any{}
	err = elements(d, func(name []byte, e element) (bool, error) {
		v, err := decode(e)
		names, values = append(names, string(name)), append(values, v)
		return true, err
	})
	return names, values, err
}

// order compares two values of one kind: numbers of any types, strings by their bytes, dates, booleans, ObjectIds,
// timestamps, durations. Others have no order: every comparison of them is false, as it is with null.
func order(a, b any) (result int, comparable bool) {
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		if !ok || x.isNaN() || y.isNaN() {
			return 0, false
		}
		return compareNumbers(x, y)
	}
	if x, ok := stringOf(a); ok {
		y, ok := stringOf(b)
		return strings.Compare(x, y), ok
	}
	switch x := a.(type) {
	case time.Time:
		y, ok := b.(time.Time)
		return x.Compare(y), ok
	case time.Duration:
		y, ok := b.(time.Duration)
		return cmp.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		return cmp.Compare(truth(x), truth(y)), ok
	case primitive.ObjectID:
		y, ok := b.(primitive.ObjectID)
		return bytes.Compare(x[:], y[:]), ok
	case Opaque:
		y, ok := b.(Opaque)
		if !ok || x.Type != bson.TypeTimestamp || y.Type != bson.TypeTimestamp {
			return 0, false
		}
		return cmp.Compare(binary.LittleEndian.Uint64([]byte(x.Value)), binary.LittleEndian.Uint64([]byte(y.Value))), true
	}
	return 0, false
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compares tells whether a comparison by operator holds.
func compares(operator string, a, b any) bool {
	switch operator {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	}
	result, ok := order(a, b)
	return ok && holds(operator, result)
}

func holds(operator string, result int) bool {
	switch operator {
	case "<":
		return result < 0
	case "<=":
		return result <= 0
	case ">":
		return result > 0
	case ">=":
		return result >= 0
	case "==":
		return result == 0
	}
	return result != 0
}
