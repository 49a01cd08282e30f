package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
)

// Writer is a Reader that can also write.
type Writer struct {
	*Reader
}

// CreateCollection creates a collection with the options of another's listing (nil for none). That it exists
// already is no error.
func (w *Writer) CreateCollection(ctx context.Context, collection string, options bson.Raw) error {
	command := bson.D{{Key: "create", Value: collection}}
	if options != nil {
		elements, err := options.Elements()
		if err != nil {
			return err
		}
		for _, e := range elements {
			if e.Key() == "uuid" { // of the other collection
				continue
			}
			command = append(command, bson.E{Key: e.Key(), Value: e.Value()})
		}
	}
	return w.promptly(ctx, "create "+w.Namespace(collection), func(ctx context.Context) error {
		_, err := w.runCommand(ctx, command)
		if Code(err) == CodeNamespaceExists {
			return nil
		}
		return err
	})
}

// DropCollection drops a collection. That it does not exist is no error.
func (w *Writer) DropCollection(ctx context.Context, collection string) error {
	return w.promptly(ctx, "drop "+w.Namespace(collection), func(ctx context.Context) error {
		_, err := w.runCommand(ctx, bson.D{{Key: "drop", Value: collection}})
		if Code(err) == CodeNamespaceNotFound {
			return nil
		}
		return err
	})
}

// Affordable is how many document bytes one insert into a collection should have at most, so that its cost is a
// small part of the request units of a second; 0 where bytes cost nothing.
func (w *Writer) Affordable(collection string) int64 {
	if w.meter == nil {
		return 0
	}
	return int64(w.meter.governor.affordable(kindInsert, collection) / documentedInsertPerKB * kilobyte)
}
