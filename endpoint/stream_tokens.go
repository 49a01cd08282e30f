package endpoint

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// ErrNoChangeStreams is in the error where a server does not offer a change stream of each physical partition.
var ErrNoChangeStreams = errors.New("no change stream for each physical partition is offered")

// ChangeStreamTokens asks for the beginning, at time zero, of the change stream of each physical partition of a
// collection. Cosmos DB alone offers that.
func (r *Reader) ChangeStreamTokens(ctx context.Context, collection string) ([]bson.Raw, error) {
	var tokens []bson.Raw
	err := r.promptly(ctx, "ask for the change streams of "+r.Namespace(collection), func(ctx context.Context) error {
		reply, err := r.runCommand(ctx, bson.D{
			{Key: "customAction", Value: "GetChangeStreamTokens"},
			{Key: "collection", Value: collection},
			{Key: "startAtOperationTime", Value: primitive.Timestamp{}},
		})
		if Code(err) != 0 && !Transient(err) {
			return fmt.Errorf("%w: %w", ErrNoChangeStreams, err)
		}
		if err != nil {
			return err
		}
		if tokens = streamTokens(reply); len(tokens) == 0 {
			return ErrNoChangeStreams
		}
		return nil
	})
	return tokens, err
}

func streamTokens(reply bson.Raw) (tokens []bson.Raw) {
	list, ok := reply.Lookup("resumeAfterTokens").ArrayOK()
	if !ok {
		return nil
	}
	values, err := list.Values()
	if err != nil {
		return nil
	}
	for _, v := range values {
		if token, ok := v.DocumentOK(); ok {
			tokens = append(tokens, bson.Raw(CloneValue(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: token}).Value))
		}
	}
	return tokens
}
