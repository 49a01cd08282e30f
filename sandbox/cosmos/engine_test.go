package cosmos

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/sandbox/engine"
)

// TestOnAnEngine writes and reads through the double in front of the embedded engine, as a patient client does,
// and holds what the double says it charged against what it told the client.
func TestOnAnEngine(t *testing.T) {
	servers, err := engine.Start(context.Background(), engine.Options{Kind: engine.Embedded, Data: t.TempDir(), Target: engine.Side{URI: "mongodb://none.invalid/"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := servers.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"ru-3.6", "ru-7.0"} {
		t.Run(name, func(t *testing.T) {
			double, err := Start(context.Background(), Options{Profile: profile(t, name, nil), Upstream: servers.SourceURI, RequestUnits: 3000, Partitions: 3, PortalURI: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = double.Close() })
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			client, err := mongo.Connect(ctx, options.Client().ApplyURI(double.URI()).SetMaxPoolSize(1))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
			database := client.Database("orders-" + name[3:4])
			collection := database.Collection("c")

			var list []any
			for n := range 1600 {
				list = append(list, sized(t, n, 1024))
			}
			told := 0.0
			charge := func() {
				t.Helper()
				reply, err := database.RunCommand(ctx, bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Raw()
				if err != nil {
					t.Fatal(err)
				}
				told += reply.Lookup("RequestCharge").Double()
			}
			rounds := 0
			for start := 0; start < len(list); start += 800 {
				for rest := list[start : start+800]; len(rest) > 0; rounds++ {
					_, err := collection.InsertMany(ctx, rest, unordered)
					charge()
					var failure mongo.BulkWriteException
					if err != nil && !errors.As(err, &failure) {
						t.Fatal(err)
					}
					var again []any
					for _, e := range failure.WriteErrors {
						if e.Code != 16500 {
							t.Fatalf("code %d: %s", e.Code, e.Message)
						}
						again = append(again, rest[e.Index])
					}
					if rest = again; len(rest) > 0 {
						time.Sleep(100 * time.Millisecond)
					}
				}
			}
			read, field := 0, "firstBatch"
			command := bson.D{{Key: "find", Value: "c"}, {Key: "sort", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "batchSize", Value: 400}}
			for {
				reply, err := database.RunCommand(ctx, command).Raw()
				charge()
				if refusal(err).Code == 16500 {
					time.Sleep(50 * time.Millisecond)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				batch, err := reply.Lookup("cursor", field).Array().Values()
				if err != nil {
					t.Fatal(err)
				}
				for _, document := range batch {
					if !bytes.Equal(document.Value, list[read].(bson.Raw)) {
						t.Fatalf("document %d differs", read)
					}
					read++
				}
				id := reply.Lookup("cursor", "id").Int64()
				if id == 0 {
					break
				}
				field = "nextBatch"
				command = bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: "c"}, {Key: "batchSize", Value: 400}}
			}
			if read != len(list) {
				t.Fatalf("%d documents read", read)
			}
			s := double.Statistics()
			if rounds < 3 || s.Throttled.Writes == 0 {
				t.Errorf("nothing was throttled: %d rounds, %+v", rounds, s.Throttled)
			}
			if math.Abs(told-s.Charged.Total) > s.Charged.Total*0.01 {
				t.Errorf("the client was told %.1f RU, the account charged %.1f", told, s.Charged.Total)
			}
		})
	}
}
