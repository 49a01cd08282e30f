package endpoint

import (
	"encoding/json"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// A checkpoint and a reject hold an _id as JSON: another value read back would go on in the wrong place.
func TestEveryIDSurvivesJSON(t *testing.T) {
	values := []bson.RawValue{
		{Type: bson.TypeString, Value: bsoncore.AppendString(nil, "not \xff UTF-8 \xc3")},
		{Type: bson.TypeSymbol, Value: bsoncore.AppendString(nil, "\xff")},
		mustMarshal(t, bson.D{{Key: "_id", Value: bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 2}}}}).Lookup("_id"),
		mustMarshal(t, bson.D{{Key: "_id", Value: bson.D{{Key: "$oid", Value: "no"}}}}).Lookup("_id"),
		mustMarshal(t, bson.D{{Key: "_id", Value: bson.D{{Key: "$numberInt", Value: "5"}}}}).Lookup("_id"),
		mustMarshal(t, bson.D{{Key: "_id", Value: bson.D{{Key: "$vidaRaw", Value: "5"}}}}).Lookup("_id"),
		mustMarshal(t, bson.D{{Key: "_id", Value: primitive.Regex{Pattern: "a/b", Options: "ix"}}}).Lookup("_id"),
	}
	for _, id := range everyID(t) {
		values = append(values, mustMarshal(t, bson.D{{Key: "_id", Value: id}}).Lookup("_id"))
	}
	for _, v := range values {
		text, err := json.Marshal(Value{v})
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		var back Value
		if err := json.Unmarshal(text, &back); err != nil || !SameValue(v, back.RawValue) {
			t.Errorf("%v became %v by way of %s (%v)", v, back.RawValue, text, err)
		}
	}
}
