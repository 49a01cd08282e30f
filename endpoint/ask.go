package endpoint

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

const adminDatabase = "admin"

// ask sends a small command while somebody waits: it bears a broken connection or a throttled answer for a
// moment, but neither a server that cannot be found nor one that keeps silent for long.
func (r *Reader) ask(ctx context.Context, database string, command bson.D) (bson.Raw, error) {
	var reply bson.Raw
	err := r.shortly(ctx, func(ctx context.Context) (err error) {
		reply, err = r.client.Database(database).RunCommand(ctx, command, options.RunCmd().SetReadPreference(r.preference)).Raw()
		return err
	})
	return reply, err
}

// shortly runs an operation until it succeeds, fails for good, or r.answerIn is over.
func (r *Reader) shortly(ctx context.Context, attempt func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, r.answerIn)
	defer cancel()
	patience := newPatience(Retry{For: r.answerIn, Initial: 50 * time.Millisecond, Max: 2 * time.Second}, nil)
	var before error // of the attempt before, which says more than that time is over
	for {
		err := attempt(limited)
		var lost topology.ServerSelectionError
		switch {
		case err == nil || !Transient(err) || errors.As(err, &lost) || ctx.Err() != nil:
			return err
		case limited.Err() != nil:
			return cmp.Or(before, err)
		}
		before = err
		if patience.wait(limited, err) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// Ping returns the median round-trip time of so many pings, at least one.
func (r *Reader) Ping(ctx context.Context, times int) (time.Duration, error) {
	var took []time.Duration
	for range max(1, times) {
		started := time.Now()
		if _, err := r.ask(ctx, adminDatabase, bson.D{{Key: "ping", Value: 1}}); err != nil {
			return 0, err
		}
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
