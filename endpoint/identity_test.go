package endpoint

import (
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

func TestSameIDIsWhatAServerTakesForOne(t *testing.T) {
	value := func(v any) bson.RawValue { return mustMarshal(t, bson.D{{Key: "_id", Value: v}}).Lookup("_id") }
	groups := [][]any{ // equal within, different between
		{int32(5), int64(5), 5.0, decimal(t, "5"), decimal(t, "5.00"), decimal(t, "50E-1")},
		{int32(0), math.Copysign(0, -1), 0.0, decimal(t, "0"), decimal(t, "-0E+3")},
		{0.5, decimal(t, "0.5")},
		{decimal(t, "0.1"), decimal(t, "0.10")}, {0.1},
		{math.NaN(), decimal(t, "NaN")}, {math.Inf(1), decimal(t, "Infinity")}, {math.Inf(-1)},
		{1e300}, {decimal(t, "1E+300")}, {int64(1) << 60, float64(1 << 60)}, {int64(1)<<60 + 1}, {float64(1 << 63)}, {int64(math.MinInt64), -float64(1 << 63)},
		{"5", primitive.Symbol("5")}, {""}, {nil}, {true}, {false}, {primitive.MinKey{}},
		{bson.D{{Key: "a", Value: 1}}, bson.D{{Key: "a", Value: 1.0}}}, {bson.D{{Key: "a", Value: 2}}}, {bson.D{{Key: "b", Value: 1}}},
		{bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}}, {bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}},
		{bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: 1}}}}, bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: 1.0}}}}},
		{primitive.Binary{Subtype: 4, Data: []byte{1}}}, {primitive.Binary{Subtype: 0, Data: []byte{1}}},
		{primitive.DateTime(5)}, {primitive.Timestamp{I: 5}}, {primitive.ObjectID{5}},
	}
	for g, group := range groups {
		for _, a := range group {
			for h, others := range groups {
				for _, b := range others {
					if got := SameID(value(a), value(b)); got != (g == h) {
						t.Errorf("%T %v and %T %v: %v", a, a, b, b, got)
					}
				}
			}
		}
	}
}
