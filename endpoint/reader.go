package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// Reader looks at one database of one server.
type Reader struct {
	config     Config
	info       ServerInfo
	client     *mongo.Client
	servers    *topology.Topology
	preference *readpref.ReadPref
	meter      *meter        // nil: the server knows no request units
	watched    func()        // ends the watch over outages, once
	answerIn   time.Duration // what the questions of a look at the server may take, see ask
}

// Name is the connection's name in the plan.
func (r *Reader) Name() string { return r.config.Name }

// Database is the database's name.
func (r *Reader) Database() string { return r.config.Database }

// Namespace is "database.collection".
func (r *Reader) Namespace(collection string) string { return r.config.Database + "." + collection }

// Server is what the server is.
func (r *Reader) Server() ServerInfo { return r.info }

// ListCollections lists the database's collections, views and time series, sorted by name.
func (r *Reader) ListCollections(ctx context.Context) ([]Collection, error) {
	var list []Collection
	err := r.promptly(ctx, "list collections of "+r.config.Database, func(ctx context.Context) (err error) {
		list, err = r.listCollections(ctx)
		return err
	})
	return list, err
}

func (r *Reader) listCollections(ctx context.Context) ([]Collection, error) {
	cursor, err := r.database().ListCollections(ctx, bson.D{})
	if err != nil {
		return nil, err
	}
	var entries []struct {
		Name    string   `bson:"name"`
		Type    string   `bson:"type"`
		Options bson.Raw `bson:"options"`
	}
	if err := cursor.All(ctx, &entries); err != nil {
		return nil, err
	}
	list := make([]Collection, len(entries))
	for n, e := range entries {
		list[n] = Collection{Name: e.Name, Type: cmp.Or(e.Type, "collection"), Options: e.Options}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list, nil
}

// ListIndexes returns index definitions exactly as the server gives them. A missing collection has none.
func (r *Reader) ListIndexes(ctx context.Context, collection string) ([]bson.Raw, error) {
	var list []bson.Raw
	err := r.promptly(ctx, "list indexes of "+r.Namespace(collection), func(ctx context.Context) error {
		list = nil
		cursor, err := r.collection(collection).Indexes().List(ctx)
		if Code(err) == CodeNamespaceNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return cursor.All(ctx, &list)
	})
	return list, err
}

// Stats returns a collection's metadata. What the server does not tell is 0.
func (r *Reader) Stats(ctx context.Context, collection string) (Stats, error) {
	var stats Stats
	err := r.promptly(ctx, "estimate the size of "+r.Namespace(collection), func(ctx context.Context) error {
		reply, err := r.runCommand(ctx, bson.D{{Key: "collStats", Value: collection}})
		if err == nil {
			stats = Stats{Documents: number(reply, "count", 0), Bytes: number(reply, "size", 0)}
			return nil
		}
		if Transient(err) {
			return err
		}
		stats.Documents, err = r.collection(collection).EstimatedDocumentCount(ctx)
		if Code(err) == CodeNamespaceNotFound {
			return nil
		}
		return err
	})
	return stats, err
}

// Count counts exactly; query nil means every document.
func (r *Reader) Count(ctx context.Context, collection string, query bson.Raw) (int64, error) {
	var count int64
	err := r.patiently(ctx, "count "+r.Namespace(collection), func() error {
		var err error
		if query == nil {
			count, err = r.collection(collection).CountDocuments(ctx, bson.D{})
		} else {
			count, err = r.collection(collection).CountDocuments(ctx, query)
		}
		return err
	})
	return count, err
}

// IsEmpty tells whether a collection holds no document or does not exist.
func (r *Reader) IsEmpty(ctx context.Context, collection string) (bool, error) {
	empty := false
	err := r.promptly(ctx, "look into "+r.Namespace(collection), func(ctx context.Context) error {
		err := r.collection(collection).FindOne(ctx, bson.D{}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
		if errors.Is(err, mongo.ErrNoDocuments) {
			empty = true
			return nil
		}
		return err
	})
	return empty, err
}

// patiently runs an operation until it succeeds, fails for good, or patience ends.
func (r *Reader) patiently(ctx context.Context, operation string, attempt func() error) error {
	patience := newPatience(r.config.Retry, r.config.Stopping)
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			err = ctx.Err() // what the attempt met is of no interest any more
		} else if Transient(err) {
			if err = patience.wait(ctx, err); err == nil {
				continue
			}
		}
		return fmt.Errorf("connection %s: %s: %w", r.config.Name, operation, r.scrub(err))
	}
}

// promptly is patiently for what a healthy server answers soon: a reply that does not come in time is a failure
// that can pass.
func (r *Reader) promptly(ctx context.Context, operation string, attempt func(context.Context) error) error {
	return r.patiently(ctx, operation, func() error {
		ctx, cancel := r.replyBy(ctx)
		defer cancel()
		return attempt(ctx)
	})
}

// replyBy bounds the wait for one reply.
func (r *Reader) replyBy(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.config.ReplyTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, r.config.ReplyTimeout)
}

// runCommand runs a command on the reader's database, once.
func (r *Reader) runCommand(ctx context.Context, command bson.D) (bson.Raw, error) {
	return r.database().RunCommand(ctx, command, options.RunCmd().SetReadPreference(r.preference)).Raw()
}

func (r *Reader) database() *mongo.Database { return r.client.Database(r.config.Database) }

func (r *Reader) collection(name string) *mongo.Collection { return r.database().Collection(name) }

// IDOf returns a document's _id without reading more of it than needed. ok is false where it has none.
func IDOf(document bson.Raw) (id bson.RawValue, ok bool) {
	value, err := document.LookupErr("_id")
	return value, err == nil && value.Type != bsontype.Type(0)
}
