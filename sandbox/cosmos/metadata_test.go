package cosmos

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestListIndexes(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.DefaultIndexes = true })
	r := newRig(t, Options{Profile: p})
	reply := r.mustRun(bson.D{{Key: "listIndexes", Value: "c"}})
	var got struct {
		Cursor struct {
			FirstBatch []struct {
				V                  int32
				Key                bson.Raw
				Name, NS           string
				ExpireAfterSeconds *int32 `bson:"expireAfterSeconds"`
			} `bson:"firstBatch"`
		}
	}
	if err := bson.Unmarshal(reply, &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, index := range got.Cursor.FirstBatch {
		names = append(names, index.Name)
		if index.V != 1 || index.NS != "d.c" {
			t.Errorf("%s: v %d, ns %q", index.Name, index.V, index.NS)
		}
		if ttl := index.Name == "_ts_1"; ttl != (index.ExpireAfterSeconds != nil) || ttl && (*index.ExpireAfterSeconds != -1 || index.Key.Lookup("_ts").AsInt64() != 1) {
			t.Errorf("%s expires: %+v", index.Name, index)
		}
	}
	if want := []string{"_id_", "_ts_1", "DocumentDBDefaultIndex_1", "DocumentDBDefaultIndex_2dsphere"}; !slices.Equal(names, want) {
		t.Errorf("indexes %v, want %v", names, want)
	}
}

func TestThroughput(t *testing.T) {
	tests := []struct {
		scope                string
		autoscale            bool
		collection, database int64 // provisionedThroughput; 0 for none
		maximum              int64
	}{
		{ThroughputCollection, false, 6000, 0, 0},
		{ThroughputCollection, true, 600, 0, 6000},
		{ThroughputDatabase, false, 0, 6000, 0},
		{ThroughputDatabase, true, 0, 600, 6000},
		{ThroughputNone, false, 0, 0, 0},
	}
	for _, test := range tests {
		p := profile(t, "ru-4.2", func(p *Profile) { p.Throughput = test.scope })
		r := newRig(t, Options{Profile: p, RequestUnits: 6000, Autoscale: test.autoscale})
		check := func(reply bson.Raw, want int64) {
			t.Helper()
			got, _ := reply.Lookup("provisionedThroughput").AsInt64OK()
			maximum, _ := reply.Lookup("autoScaleSettings", "maxThroughput").AsInt64OK()
			if got != want || want != 0 && maximum != test.maximum {
				t.Errorf("%+v: %v", test, reply)
			}
		}
		if _, err := r.run(bson.D{{Key: "customAction", Value: "GetCollection"}, {Key: "collection", Value: "none"}}); refusal(err).Code != 26 {
			t.Errorf("a collection that is not there: %v", err)
		}
		r.server.Insert(t, "d.c", bson.D{{Key: "_id", Value: 1}})
		check(r.mustRun(bson.D{{Key: "customAction", Value: "GetCollection"}, {Key: "collection", Value: "c"}}), test.collection)
		check(r.mustRun(bson.D{{Key: "customAction", Value: "GetDatabase"}}), test.database)
	}
}

func TestMetadataBudget(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), Now: clock.now})
	throttled := 0
	for range 300 {
		if _, err := r.run(bson.D{{Key: "listIndexes", Value: "c"}}); refusal(err).Code == 16500 {
			throttled++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if throttled < 55 || throttled > 65 {
		t.Errorf("%d of 300 metadata commands were throttled in a second", throttled)
	}
	if _, err := r.run(bson.D{{Key: "find", Value: "c"}}); err != nil {
		t.Errorf("data is throttled with the metadata: %v", err)
	}
}
