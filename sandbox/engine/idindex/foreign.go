package idindex

import (
	"math"

	"go.mongodb.org/mongo-driver/bson"
)

// FerretDB 1 has no values of these types, and ends the connection of who asks for one.
func isForeign(value bson.RawValue) bool {
	switch value.Type {
	case bson.TypeMinKey, bson.TypeMaxKey, bson.TypeJavaScript, bson.TypeCodeWithScope, bson.TypeSymbol, bson.TypeDBPointer, bson.TypeUndefined:
		return true
	case bson.TypeDouble:
		return math.IsNaN(value.Double())
	}
	return false
}

// foreignTypes are names of types of which no _id can be, by which a query may ask for them.
var foreignTypes = map[string]bool{
	"regex": true, "dbPointer": true, "javascript": true, "javascriptWithScope": true, "undefined": true,
	"minKey": true, "maxKey": true, "symbol": true,
}

// matchesNothing tells whether a filter on _id asks for what no document of the server can have, so that the
// server need not be asked.
func matchesNothing(filter bson.Raw) bool {
	condition, err := filter.LookupErr("_id")
	if err != nil {
		return false
	}
	operators, isDocument := condition.DocumentOK()
	if !isDocument {
		return isForeign(condition)
	}
	elements, _ := operators.Elements()
	for _, element := range elements {
		operand := element.Value()
		switch element.Key() {
		case "$eq":
			if isForeign(operand) {
				return true
			}
		case "$gt", "$gte", "$lt", "$lte":
			// These two are ordered with every type, the others with their own alone.
			if isForeign(operand) && operand.Type != bson.TypeMinKey && operand.Type != bson.TypeMaxKey {
				return true
			}
		case "$type":
			if list, ok := operand.ArrayOK(); ok && allForeign(list) {
				return true
			}
		}
	}
	return false
}

func allForeign(names bson.Raw) bool {
	values, err := names.Values()
	for _, value := range values {
		if name, ok := value.StringValueOK(); !ok || !foreignTypes[name] {
			return false
		}
	}
	return err == nil && len(values) > 0
}
