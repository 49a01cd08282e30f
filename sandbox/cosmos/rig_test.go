package cosmos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/sandbox/wire/wiretest"
)

// rig is a client, a double, and the server behind it.
type rig struct {
	t        *testing.T
	server   *wiretest.Server
	double   *Double
	database *mongo.Database
}

func profile(t *testing.T, name string, alter func(*Profile)) Profile {
	t.Helper()
	p, err := BuiltInProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	if alter != nil {
		alter(&p)
	}
	return p
}

// newRig gives the client one connection, so that its commands come in order.
func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{t: t, server: wiretest.Start(t)}
	o.Upstream = r.server.Addr()
	var err error
	r.double, err = Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.double.Close(); err != nil {
			t.Error(err)
		}
	})
	r.database = r.client(options.Client().SetRetryWrites(false).SetRetryReads(false).SetMaxPoolSize(1)).Database("d")
	return r
}

func (r *rig) client(o *options.ClientOptions) *mongo.Client {
	r.t.Helper()
	client, err := mongo.Connect(context.Background(), options.Client().ApplyURI(r.double.URI()).SetServerSelectionTimeout(5*time.Second), o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func (r *rig) run(command bson.D) (bson.Raw, error) {
	return r.database.RunCommand(context.Background(), command).Raw()
}

func (r *rig) mustRun(command bson.D) bson.Raw {
	r.t.Helper()
	reply, err := r.run(command)
	if err != nil {
		r.t.Fatalf("%s: %v", command[0].Key, err)
	}
	return reply
}

// charge is what the server says the last command cost.
func (r *rig) charge() float64 {
	r.t.Helper()
	return r.mustRun(bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Lookup("RequestCharge").Double()
}

// sized is a document of exactly that many bytes.
func sized(t testing.TB, id, bytes int) bson.Raw {
	t.Helper()
	empty, err := bson.Marshal(bson.D{{Key: "_id", Value: int32(id)}, {Key: "fill", Value: ""}})
	if err != nil {
		t.Fatal(err)
	}
	document, err := bson.Marshal(bson.D{{Key: "_id", Value: int32(id)}, {Key: "fill", Value: strings.Repeat("x", bytes-len(empty))}})
	if err != nil || len(document) != bytes {
		t.Fatalf("%d bytes, %v", len(document), err)
	}
	return document
}

func sizedList(t testing.TB, from, count, bytes int) []any {
	list := make([]any, count)
	for n := range list {
		list[n] = sized(t, from+n, bytes)
	}
	return list
}

func refusal(err error) mongo.CommandError {
	var e mongo.CommandError
	errors.As(err, &e)
	return e
}

func (r *rig) stored() map[int]bool {
	ids := map[int]bool{}
	for _, document := range r.server.Documents("d.c") {
		ids[int(document.Lookup("_id").AsInt64())] = true
	}
	return ids
}
