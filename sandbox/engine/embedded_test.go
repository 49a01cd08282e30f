package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// connect opens a client of its own for the test.
func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(t.Context(), options.Client().ApplyURI(uri).SetServerSelectionTimeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func start(t *testing.T, options Options) *Servers {
	t.Helper()
	servers, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

func TestEmbeddedServesWhatACopyNeeds(t *testing.T) {
	servers := start(t, Options{Kind: Embedded, Data: t.TempDir()})
	t.Cleanup(func() {
		if err := servers.Stop(); err != nil {
			t.Error(err)
		}
	})
	for name, uri := range map[string]string{"source": servers.SourceURI, "target": servers.TargetURI} {
		t.Run(name, func(t *testing.T) { exerciseServer(t, connect(t, uri)) })
	}
}

// exerciseServer does on a server what generate, copy, the index steps and verify-counts do.
func exerciseServer(t *testing.T, client *mongo.Client) {
	ctx := t.Context()
	orders := client.Database("volvo-service-orders").Collection("serviceorders")
	const documents = 500
	var batch []any
	for i := range documents {
		batch = append(batch, bson.D{{Key: "_id", Value: int32(i)}, {Key: "status", Value: "completed"}})
	}
	if _, err := orders.InsertMany(ctx, batch, options.InsertMany().SetOrdered(false)); err != nil {
		t.Fatal(err)
	}

	cursor, err := orders.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: int32(99)}, {Key: "$lte", Value: int32(399)}}}},
		options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(50))
	if err != nil {
		t.Fatal(err)
	}
	var found []struct {
		ID int32 `bson:"_id"`
	}
	if err := cursor.All(ctx, &found); err != nil { // six batches, by getMore
		t.Fatal(err)
	}
	if len(found) != 300 || found[0].ID != 100 || found[299].ID != 399 {
		t.Errorf("range (99, 399] gave %d documents; want 300, from 100 to 399", len(found))
	}

	if n, err := orders.CountDocuments(ctx, bson.D{}); err != nil || n != documents {
		t.Errorf("exact count is %d, %v; want %d", n, err, documents)
	}
	if n, err := orders.EstimatedDocumentCount(ctx); err != nil || n != documents {
		t.Errorf("estimated count is %d, %v; want %d", n, err, documents)
	}

	_, err = orders.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "status", Value: 1}, {Key: "_id", Value: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	specifications, err := orders.Indexes().ListSpecifications(ctx)
	if err != nil || len(specifications) != 2 {
		t.Errorf("indexes are %v, %v; want that on _id and the new one", specifications, err)
	}

	_, err = orders.InsertOne(ctx, bson.D{{Key: "_id", Value: int32(7)}})
	if !mongo.IsDuplicateKeyError(err) {
		t.Errorf("a second document with an _id gave %v; want a duplicate key error", err)
	}
}

func TestEmbeddedSidesAreApart(t *testing.T) {
	servers := start(t, Options{Kind: Embedded, Data: t.TempDir()})
	t.Cleanup(func() { _ = servers.Stop() })
	ctx := t.Context()
	if _, err := connect(t, servers.SourceURI).Database("d").Collection("c").InsertOne(ctx, bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if n, err := connect(t, servers.TargetURI).Database("d").Collection("c").CountDocuments(ctx, bson.D{}); err != nil || n != 0 {
		t.Errorf("the target counts %d of the source's documents, %v", n, err)
	}
}

func TestEmbeddedKeepsItsDataInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	ctx := t.Context()
	for round := range 2 {
		servers := start(t, Options{Kind: Embedded, Data: dir, Keep: true})
		client := connect(t, servers.TargetURI)
		_, err := client.Database("d").Collection("c").InsertOne(ctx, bson.D{{Key: "_id", Value: int32(round)}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := client.Database("d").Collection("c").CountDocuments(ctx, bson.D{}); err != nil || n != int64(round)+1 {
			t.Errorf("start %d counts %d documents, %v", round+1, n, err)
		}
		_ = client.Disconnect(ctx)
		if err := servers.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "target", "d.sqlite")); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedRefusesADirectoryItCannotName(t *testing.T) {
	_, err := Start(t.Context(), Options{Kind: Embedded, Data: filepath.Join(t.TempDir(), "50%")})
	if err == nil {
		t.Fatal("a directory that SQLite would read as another was taken")
	}
}
