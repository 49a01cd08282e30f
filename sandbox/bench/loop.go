package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"golang.org/x/sync/errgroup"
)

// loopBatch is how many documents the loop inserts at a time.
const loopBatch = 2000

// newLoopCommand is the process that copies as one would write it down: workers that Find a range of _ids and
// InsertMany what they read. The boundaries of the ranges are handed to it, so that finding them costs it nothing.
func newLoopCommand() *cobra.Command {
	var boundaries string
	cmd := &cobra.Command{
		Use:    "loop SOURCE TARGET",
		Short:  "Copy by a loop of Find and InsertMany",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return loop(cmd.Context(), args[0], args[1], boundaries)
		},
	}
	cmd.Flags().StringVar(&boundaries, "boundaries", "", "the ObjectIds where ranges meet, divided by commas")
	return cmd
}

func loop(ctx context.Context, sourceURI, targetURI, boundaries string) error {
	source, err := mongo.Connect(ctx, options.Client().ApplyURI(sourceURI))
	if err != nil {
		return err
	}
	target, err := mongo.Connect(ctx, options.Client().ApplyURI(targetURI))
	if err != nil {
		return err
	}
	ranges, err := rangesBetween(boundaries)
	if err != nil {
		return err
	}
	from, to := source.Database(database).Collection(collection), target.Database(database).Collection(collection)
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range ranges {
		group.Go(func() error { return loopRange(ctx, from, to, r) })
	}
	return group.Wait()
}

// rangesBetween returns the queries of the ranges that the boundaries divide.
func rangesBetween(boundaries string) ([]bson.D, error) {
	var at []primitive.ObjectID
	for _, text := range slices.DeleteFunc(strings.Split(boundaries, ","), func(s string) bool { return s == "" }) {
		id, err := primitive.ObjectIDFromHex(text)
		if err != nil {
			return nil, fmt.Errorf("boundary %q: %w", text, err)
		}
		at = append(at, id)
	}
	ranges := make([]bson.D, 0, len(at)+1)
	for n := range len(at) + 1 {
		var bounds bson.D
		if n > 0 {
			bounds = append(bounds, bson.E{Key: "$gte", Value: at[n-1]})
		}
		if n < len(at) {
			bounds = append(bounds, bson.E{Key: "$lt", Value: at[n]})
		}
		if bounds == nil {
			ranges = append(ranges, bson.D{})
			continue
		}
		ranges = append(ranges, bson.D{{Key: "_id", Value: bounds}})
	}
	return ranges, nil
}

func loopRange(ctx context.Context, from, to *mongo.Collection, query bson.D) error {
	cursor, err := from.Find(ctx, query, options.Find().SetBatchSize(loopBatch))
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close(ctx) }()
	batch := make([]any, 0, loopBatch)
	for cursor.Next(ctx) {
		batch = append(batch, slices.Clone(cursor.Current))
		if len(batch) == loopBatch {
			if _, err := to.InsertMany(ctx, batch, options.InsertMany().SetOrdered(false)); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	_, err = to.InsertMany(ctx, batch, options.InsertMany().SetOrdered(false))
	return err
}
