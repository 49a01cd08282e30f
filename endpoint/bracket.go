package endpoint

import (
	"bytes"
	"fmt"
	"math"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// Comparisons in a query see only values of the operand's own group of types: {_id: {$gt: 5}} finds numbers
// and nothing else. A bracket is such a group. Every _id belongs to exactly one bracket, so that a set of
// queries with one for each bracket misses nothing.
const (
	BracketMinKey    = "minKey"
	BracketNull      = "null"
	BracketNaN       = "nan" // below all numbers, and found by no comparison with one
	BracketNumber    = "number"
	BracketString    = "string"
	BracketObject    = "object"
	BracketBinary    = "binData"
	BracketObjectID  = "objectId"
	BracketBool      = "bool"
	BracketDate      = "date"
	BracketTimestamp = "timestamp"
	BracketCode      = "javascript"
	BracketOther     = "other" // deprecated types, found by type alone
	BracketMaxKey    = "maxKey"
)

// brackets is every bracket in the order of BSON.
var brackets = []string{
	BracketMinKey, BracketNull, BracketNaN, BracketNumber, BracketString, BracketObject, BracketBinary,
	BracketObjectID, BracketBool, BracketDate, BracketTimestamp, BracketCode, BracketOther, BracketMaxKey,
}

// BracketCount is how many brackets there are.
var BracketCount = len(brackets)

// bracketOf returns the bracket that a value belongs to.
func bracketOf(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeMinKey:
		return BracketMinKey
	case bson.TypeNull:
		return BracketNull
	case bson.TypeDouble:
		if math.IsNaN(v.Double()) {
			return BracketNaN
		}
		return BracketNumber
	case bson.TypeDecimal128:
		if v.Decimal128().IsNaN() {
			return BracketNaN
		}
		return BracketNumber
	case bson.TypeInt32, bson.TypeInt64:
		return BracketNumber
	case bson.TypeString, bson.TypeSymbol:
		return BracketString
	case bson.TypeEmbeddedDocument:
		return BracketObject
	case bson.TypeBinary:
		return BracketBinary
	case bson.TypeObjectID:
		return BracketObjectID
	case bson.TypeBoolean:
		return BracketBool
	case bson.TypeDateTime:
		return BracketDate
	case bson.TypeTimestamp:
		return BracketTimestamp
	case bson.TypeJavaScript:
		return BracketCode
	case bson.TypeMaxKey:
		return BracketMaxKey
	}
	return BracketOther
}

// start is the least value of a bracket that comparisons reach whole; nil where the bracket is a single value
// or not reached by comparing.
func bracketStart(bracket string) any {
	switch bracket {
	case BracketNumber:
		return math.Inf(-1)
	case BracketString:
		return ""
	case BracketObject:
		return bson.D{}
	case BracketBinary:
		return primitive.Binary{}
	case BracketObjectID:
		return primitive.ObjectID{}
	case BracketBool:
		return false
	case BracketDate:
		return primitive.DateTime(math.MinInt64)
	case BracketTimestamp:
		return primitive.Timestamp{}
	case BracketCode:
		return primitive.JavaScript("")
	}
	return nil
}

// single tells whether a bracket holds one value only, so that there is nothing after it.
func single(bracket string) bool {
	switch bracket {
	case BracketMinKey, BracketNull, BracketNaN, BracketMaxKey:
		return true
	}
	return false
}

// Resumable tells whether reading the range can go on above an _id of it.
func (r Range) Resumable() bool {
	return r.Bracket != "" && r.Bracket != BracketOther && !single(r.Bracket)
}

// foreign tells whether FerretDB 1 has no such values, and drops the connection of who asks for them.
func foreign(bracket string) bool {
	switch bracket {
	case BracketMinKey, BracketMaxKey, BracketNaN, BracketCode, BracketOther:
		return true
	}
	return false
}

// Range is a part of a collection along its _id index: all of one bracket, or a piece of it. The zero Range is
// the whole collection.
type Range struct {
	Bracket string `json:"bracket,omitempty"`
	From    Value  `json:"from,omitzero"`    // the least _id; none: the bracket's start
	Below   Value  `json:"below,omitzero"`   // the least _id above; none: the bracket's end
	Through Value  `json:"through,omitzero"` // the greatest _id, in place of Below
}

// filter returns the condition on _id: all of the range, or what of it lies above after (at or above where
// inclusive).
func (r Range) filter(after bson.RawValue, inclusive bool) bson.D {
	switch r.Bracket {
	case "":
		return bson.D{}
	case BracketMinKey:
		return bson.D{{Key: "_id", Value: primitive.MinKey{}}}
	case BracketMaxKey:
		return bson.D{{Key: "_id", Value: primitive.MaxKey{}}}
	case BracketNull:
		return bson.D{{Key: "_id", Value: nil}}
	case BracketNaN:
		return bson.D{{Key: "_id", Value: math.NaN()}}
	}
	if r.Bracket == BracketOther {
		// No comparison reaches all of these types, so there is no going on in the middle: what was read
		// before is read again, and found to be there already.
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$type", Value: bson.A{"regex", "dbPointer", "javascriptWithScope", "undefined"}}}}}
	}
	var bounds bson.D
	switch {
	case after.Type != 0 && inclusive:
		bounds = append(bounds, bson.E{Key: "$gte", Value: after})
	case after.Type != 0:
		bounds = append(bounds, bson.E{Key: "$gt", Value: after})
	case !r.From.IsZero():
		bounds = append(bounds, bson.E{Key: "$gte", Value: r.From.RawValue})
	default:
		bounds = append(bounds, bson.E{Key: "$gte", Value: bracketStart(r.Bracket)})
	}
	if !r.Below.IsZero() {
		bounds = append(bounds, bson.E{Key: "$lt", Value: r.Below.RawValue})
	}
	if !r.Through.IsZero() {
		bounds = append(bounds, bson.E{Key: "$lte", Value: r.Through.RawValue})
	}
	return bson.D{{Key: "_id", Value: bounds}}
}

func (r Range) String() string {
	bound := func(v Value) string {
		if v.IsZero() {
			return "…"
		}
		return IDText(v.RawValue)
	}
	if r.Bracket == "" {
		return "all"
	}
	return fmt.Sprintf("%s [%s, %s)", r.Bracket, bound(r.From), bound(r.Below))
}

// Value is a BSON value that is canonical extended JSON in JSON, so that its type survives. The zero Value is
// none; it is left out by omitzero.
type Value struct{ bson.RawValue }

// IsZero tells whether there is no value, which is not the same as a null.
func (v Value) IsZero() bool { return v.Type == 0 }

// IDText is an _id as canonical extended JSON.
func IDText(id bson.RawValue) string {
	text, err := Value{id}.MarshalJSON()
	if err != nil {
		return fmt.Sprintf("%v", id)
	}
	return string(text)
}

// CloneValue returns a value that shares no memory with the document it came from.
func CloneValue(v bson.RawValue) bson.RawValue {
	return bson.RawValue{Type: v.Type, Value: bytes.Clone(v.Value)}
}

// SameValue tells whether two values are the same type and the same bytes.
func SameValue(a, b bson.RawValue) bool { return a.Type == b.Type && bytes.Equal(a.Value, b.Value) }
