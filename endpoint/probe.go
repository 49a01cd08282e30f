package endpoint

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
)

// TryRead finds out whether the user may read a collection, which need not exist, by asking for the document of an _id
// made this moment: where request units are counted, that asks one partition at most.
func (r *Reader) TryRead(ctx context.Context, collection string) error {
	_, err := r.ask(ctx, r.config.Database, bson.D{
		{Key: "find", Value: collection},
		{Key: "filter", Value: bson.D{{Key: "_id", Value: primitive.NewObjectID()}}},
		{Key: "projection", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "limit", Value: int32(1)},
		{Key: "singleBatch", Value: true},
	})
	return r.diagnosed(err)
}

// TryWrite finds out whether the user may write to a collection, and whether there is a server that takes
// writes, by deleting the document of an _id made this moment: there is none, so nothing changes. An update
// would not do, nor an insert that must be refused: some servers create the collection before they look at
// either.
func (w *Writer) TryWrite(ctx context.Context, collection string) error {
	return w.diagnosed(w.shortly(ctx, func(ctx context.Context) error {
		err := w.database().RunCommand(ctx, bson.D{
			{Key: "delete", Value: collection},
			{Key: "deletes", Value: bson.A{bson.D{
				{Key: "q", Value: bson.D{{Key: "_id", Value: primitive.NewObjectID()}}},
				{Key: "limit", Value: int32(1)},
			}}},
		}, options.RunCmd().SetReadPreference(readpref.Primary())).Err()
		var refused mongo.WriteException // Cosmos DB answers by document
		if errors.As(err, &refused) && len(refused.WriteErrors) > 0 {
			first := refused.WriteErrors[0]
			return &CommandError{Code: int32(first.Code), Message: first.Message}
		}
		return err
	}))
}

// LookAtCollections is ListCollections for somebody who waits: it does not outlast a server that is away.
func (r *Reader) LookAtCollections(ctx context.Context) ([]Collection, error) {
	var list []Collection
	err := r.shortly(ctx, func(ctx context.Context) (err error) {
		list, err = r.listCollections(ctx)
		return err
	})
	return list, r.diagnosed(err)
}

// DatabaseNames lists the databases that the user may know of. told is false where the server does not say.
func (r *Reader) DatabaseNames(ctx context.Context) (names []string, told bool, err error) {
	reply, err := r.ask(ctx, adminDatabase, bson.D{{Key: "listDatabases", Value: 1}, {Key: "nameOnly", Value: true}})
	if err != nil {
		if refusal(err) && !Transient(err) {
			return nil, false, nil
		}
		return nil, false, r.diagnosed(err)
	}
	var list struct {
		Databases []struct {
			Name string `bson:"name"`
		} `bson:"databases"`
	}
	if err := bson.Unmarshal(reply, &list); err != nil {
		return nil, false, nil //nolint:nilerr // what cannot be read does not tell
	}
	for _, d := range list.Databases {
		names = append(names, d.Name)
	}
	return names, true, nil
}

// diagnosed is a failure to use the connection in an operator's words; nil stays nil.
func (r *Reader) diagnosed(err error) error {
	if err == nil {
		return nil
	}
	return connectFailure(err, r.config)
}
