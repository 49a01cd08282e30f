package cosmos

import (
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestRefusals(t *testing.T) {
	aggregate := func(stages ...any) bson.D {
		return bson.D{{Key: "aggregate", Value: "c"}, {Key: "pipeline", Value: bson.A(stages)}, {Key: "cursor", Value: bson.D{}}}
	}
	stage := func(name string) bson.D { return bson.D{{Key: name, Value: bson.D{}}} }
	find := func(sort bson.D) bson.D { return bson.D{{Key: "find", Value: "c"}, {Key: "sort", Value: sort}} }
	tests := []struct {
		name    string
		command bson.D
		want    int32
	}{
		{"splitVector", bson.D{{Key: "splitVector", Value: "d.c"}}, 115},
		{"parallelCollectionScan", bson.D{{Key: "parallelCollectionScan", Value: "c"}}, 115},
		{"serverStatus", bson.D{{Key: "serverStatus", Value: 1}}, 115},
		{"connectionStatus", bson.D{{Key: "connectionStatus", Value: 1}}, 115},
		{"collMod", bson.D{{Key: "collMod", Value: "c"}}, 115},
		{"$collStats", aggregate(stage("$collStats")), 40324},
		{"$bucketAuto behind $match", aggregate(stage("$match"), stage("$bucketAuto")), 40324},
		{"$indexStats", aggregate(stage("$indexStats")), 40324},
		{"$match", aggregate(stage("$match")), 0},
		{"sort by _id", find(bson.D{{Key: "_id", Value: 1}}), 0},
		{"sort by _id, backwards", find(bson.D{{Key: "_id", Value: -1}}), 0},
		{"sort by an indexed path", find(bson.D{{Key: "a", Value: -1}}), 0},
		{"sort by another path", find(bson.D{{Key: "z", Value: 1}}), 2},
		{"sort by the second path of an index", find(bson.D{{Key: "b", Value: 1}}), 2},
		{"sort by a compound index", find(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}), 0},
		{"the same, backwards", find(bson.D{{Key: "a", Value: -1}, {Key: "b", Value: 1}}), 0},
		{"the same, crosswise", find(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}), 2},
		{"$natural", find(bson.D{{Key: "$natural", Value: 1}}), 0},
		{"$sort by another path", aggregate(stage("$match"), bson.D{{Key: "$sort", Value: bson.D{{Key: "z", Value: 1}}}}), 2},
		{"$sort of a result", aggregate(stage("$project"), bson.D{{Key: "$sort", Value: bson.D{{Key: "z", Value: 1}}}}), 0},
		{"another custom action", bson.D{{Key: "customAction", Value: "UpdateDatabase"}}, 115},
	}
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6})
	r.mustRun(bson.D{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}}, {Key: "name", Value: "ab"}}}}})
	for _, test := range tests {
		if _, err := r.run(test.command); refusal(err).Code != test.want {
			t.Errorf("%s: %v, want code %d", test.name, err, test.want)
		}
	}
	r.mustRun(bson.D{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "$**", Value: 1}}}, {Key: "name", Value: "all"}}}}})
	if _, err := r.run(find(bson.D{{Key: "z", Value: 1}})); err != nil {
		t.Errorf("sort by any path under a wildcard: %v", err)
	}
	if s := r.double.Statistics(); s.Refused["splitVector"][115] != 1 || s.Refused["aggregate"][40324] != 3 || s.Refused["find"][2] != 3 {
		t.Errorf("refused %v", s.Refused)
	}
}
