package endpoint

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// buildCanPass tells whether the same build may succeed in a moment. DocumentDB lets two builds on one collection
// run into one another, and picks one to fail.
func buildCanPass(err error) bool {
	return Transient(err) || Code(err) == codeIndexBuildInProgress ||
		Code(err) == codeInternalError && strings.Contains(err.Error(), "deadlock detected")
}

// CreateIndex creates one index from a complete definition (key, name and options), and returns when it is built.
// That the very same index exists, or is being built, is no error: then it waits for that one.
//
// A server goes on building when the connection that asked for it breaks, for hours where the collection is large.
// Asking again joins the build. So an attempt that the server was busy with for a while counts as progress, and
// only a server that keeps failing at once uses up the patience. A build has no time-out of its own: that the
// server has gone is what TCP's keep-alive finds out.
//
// The error does not name the index and its namespace: that is left to whoever has more to say of it.
func (w *Writer) CreateIndex(ctx context.Context, collection string, definition bson.Raw) error {
	patience := newPatience(w.config.Retry, w.config.Stopping)
	for {
		began := time.Now()
		_, err := w.runCommand(ctx, bson.D{{Key: "createIndexes", Value: collection}, {Key: "indexes", Value: bson.A{definition}}})
		if err == nil {
			return nil
		}
		if buildCanPass(err) && ctx.Err() == nil {
			if time.Since(began) > patience.retry.Max {
				patience.progress()
			}
			if err = patience.wait(ctx, err); err == nil {
				continue
			}
		}
		return fmt.Errorf("connection %s: %w", w.config.Name, w.scrub(err))
	}
}
