package cosmos

import (
	"bytes"
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/options"
)

func TestTwins(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.TwinEvery = 20; p.MaxPageBytes = 64 << 10 })
	r := newRig(t, Options{Profile: p, RequestUnits: 1e9, Partitions: 2})
	r.server.Insert(t, "d.c", sizedList(t, 0, 1000, 1024)...)
	read := func() []bson.Raw {
		cursor, err := r.database.Collection("c").Find(context.Background(), bson.D{}, options.Find().SetBatchSize(300))
		if err != nil {
			t.Fatal(err)
		}
		var list []bson.Raw
		if err := cursor.All(context.Background(), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := read()
	twins := 0
	for n := 1; n < len(list); n++ {
		if list[n].Lookup("_id").Equal(list[n-1].Lookup("_id")) {
			twins++
			if err := list[n].Validate(); err != nil || bytes.Equal(list[n], list[n-1]) || list[n].Lookup(twinField).Type == 0 {
				t.Errorf("twin %v: %v", list[n].Lookup("_id"), err)
			}
		}
	}
	if len(list) != 1000+twins || twins < 30 || twins > 75 {
		t.Errorf("%d documents, %d of them twins", len(list), twins)
	}
	for n, again := range read() {
		if !bytes.Equal(again, list[n]) {
			t.Fatalf("document %d of a second read differs", n)
		}
	}
	var one bson.Raw
	if err := r.database.Collection("c").FindOne(context.Background(), bson.D{}).Decode(&one); err != nil {
		t.Error(err)
	}
}
