package cli

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// orderIndexes are what an application of service orders looks them up by.
func orderIndexes() []mongo.IndexModel {
	keys := func(fields ...string) mongo.IndexModel {
		key := bson.D{}
		for _, field := range fields {
			key = append(key, bson.E{Key: field, Value: 1})
		}
		return mongo.IndexModel{Keys: key}
	}
	number := keys("order_id")
	number.Options = options.Index().SetUnique(true)
	return []mongo.IndexModel{
		number,
		keys("customer.customer_id"),
		keys("vehicle.vin", "order_date"),
		keys("service_center_id", "status"),
	}
}

// prepare creates the source's collection and its indexes, on the server itself: an account charges nothing for
// what was there before.
func prepare(ctx context.Context, uri string, names namespaces) (err error) {
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(uri).SetRetryWrites(false))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	collection := client.Database(names.sourceDatabase).Collection(names.sourceCollection)
	if _, err := collection.Indexes().CreateMany(ctx, orderIndexes()); err != nil {
		return fmt.Errorf("indexes of %s.%s: %w", names.sourceDatabase, names.sourceCollection, err)
	}
	return nil
}
