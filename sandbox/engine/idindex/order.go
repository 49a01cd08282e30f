package idindex

import (
	"bytes"
	"cmp"
	"math"
	"math/big"

	"go.mongodb.org/mongo-driver/bson"
)

// rank orders the groups of types that this package orders; 0 for the others.
func rank(value bson.RawValue) int {
	switch value.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return 1
	case bson.TypeDouble:
		if math.IsNaN(value.Double()) {
			return 0
		}
		return 1
	case bson.TypeString:
		return 2
	case bson.TypeObjectID:
		return 3
	case bson.TypeDateTime:
		return 4
	}
	return 0
}

// compare orders two values that have a rank.
func compare(a, b bson.RawValue) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch rank(a) {
	case 1:
		return compareNumbers(a, b)
	case 2:
		return cmp.Compare(a.StringValue(), b.StringValue())
	case 3:
		return bytes.Compare(a.Value, b.Value)
	}
	return cmp.Compare(a.DateTime(), b.DateTime())
}

func compareNumbers(a, b bson.RawValue) int {
	if a.Type != bson.TypeDouble && b.Type != bson.TypeDouble {
		return cmp.Compare(a.AsInt64(), b.AsInt64())
	}
	if a.Type == bson.TypeDouble && b.Type == bson.TypeDouble {
		return cmp.Compare(a.Double(), b.Double())
	}
	return exact(a).Cmp(exact(b)) // a float64 does not hold every int64
}

func exact(value bson.RawValue) *big.Float {
	if value.Type == bson.TypeDouble {
		return new(big.Float).SetFloat64(value.Double())
	}
	return new(big.Float).SetInt64(value.AsInt64())
}
