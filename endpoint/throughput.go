package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
)

// Throughput is what a Cosmos DB collection has to live on.
type Throughput struct {
	PerSecond float64 // request units a second, at most; 0 where unknown: serverless, or not Cosmos DB
	Floor     float64 // what autoscale falls back to when idle; PerSecond without autoscale
	Autoscale bool
	Shared    bool // among all collections of the database that have no throughput of their own
}

// Known tells whether the account said how much there is.
func (t Throughput) Known() bool { return t.PerSecond > 0 }

// Throughput asks what is provisioned for a collection: its own, or else the database's. A collection that does
// not exist yet would share the database's. An empty name asks for the database alone.
func (r *Reader) Throughput(ctx context.Context, collection string) (Throughput, error) {
	if r.info.Kind != KindCosmos {
		return Throughput{}, nil
	}
	if collection != "" {
		t, err := r.askThroughput(ctx, "GetCollection", collection)
		if err != nil || t.Known() {
			return t, err
		}
	}
	t, err := r.askThroughput(ctx, "GetDatabase", "")
	t.Shared = t.Known()
	return t, err
}

func (r *Reader) askThroughput(ctx context.Context, action, collection string) (Throughput, error) {
	command := bson.D{{Key: "customAction", Value: action}}
	subject := r.config.Database
	if collection != "" {
		command = append(command, bson.E{Key: "collection", Value: collection})
		subject = r.Namespace(collection)
	}
	var t Throughput
	err := r.patiently(ctx, "ask for the throughput of "+subject, func() error {
		reply, err := r.runCommand(ctx, command)
		if Code(err) != 0 && !Transient(err) {
			return nil // no such collection, or an account that does not tell
		}
		t = throughputOf(reply)
		return err
	})
	return t, err
}

// throughputOf reads an answer of GetCollection or GetDatabase.
func throughputOf(reply bson.Raw) Throughput {
	provisioned := float64(number(reply, "provisionedThroughput", 0))
	t := Throughput{PerSecond: provisioned, Floor: provisioned}
	if scale, ok := reply.Lookup("autoScaleSettings").DocumentOK(); ok {
		if most := float64(number(scale, "maxThroughput", 0)); most > 0 {
			t = Throughput{PerSecond: most, Floor: max(provisioned, most/10), Autoscale: true}
		}
	}
	return t
}
