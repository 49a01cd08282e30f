package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
)

// One bulk of replacements stays within one message, so that its indexes are those of the reply.
const (
	mostReplaceDocuments = 1000
	mostReplaceBytes     = 16 << 20
)

// Replace puts each document in the place of the one with its _id, or inserts it where there is none. It returns
// those that the target refuses, by their index. It is always acknowledged.
func (w *Writer) Replace(ctx context.Context, collection string, documents []bson.Raw) ([]WriteError, error) {
	concern := writeconcern.W1()
	if w.config.WriteConcern == "majority" {
		concern = writeconcern.Majority()
	}
	r := replacement{
		writer:     w,
		collection: w.database().Collection(collection, options.Collection().SetWriteConcern(concern)),
		patience:   newPatience(w.config.Retry, w.config.Stopping),
		documents:  documents,
		most:       mostReplaceDocuments,
	}
	if w.info.OneUpdate {
		r.most = 1
	}
	pending := make([]int, len(documents))
	for n := range pending {
		pending[n] = n
	}
	for len(pending) > 0 {
		some := r.fitting(pending)
		if err := r.bring(ctx, pending[:some]); err != nil {
			return nil, fmt.Errorf("connection %s: replace documents of %s: %w", w.Name(), w.Namespace(collection), w.scrub(err))
		}
		pending = pending[some:]
	}
	return r.refused, nil
}

type replacement struct {
	writer     *Writer
	collection *mongo.Collection
	patience   *patience
	documents  []bson.Raw
	most       int // in one bulk
	refused    []WriteError
}

// fitting is how many of the documents at indexes go into one bulk.
func (r *replacement) fitting(indexes []int) int {
	size := 0
	for n, index := range indexes {
		size += len(r.documents[index])
		if n > 0 && (n >= r.most || size > mostReplaceBytes) {
			return n
		}
	}
	return len(indexes)
}

// bring replaces the documents at indexes, trying again what can pass.
func (r *replacement) bring(ctx context.Context, indexes []int) error {
	for len(indexes) > 0 {
		again, err := r.send(ctx, indexes)
		switch {
		case err == nil:
			r.patience.progress()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case len(again) > 0 || Transient(err):
			if len(again) > 0 {
				if len(again) < len(indexes) {
					r.patience.progress()
				}
				indexes = again
			}
			if err := r.patience.wait(ctx, err); err != nil {
				return err
			}
		case len(indexes) == 1 && strings.Contains(err.Error(), "UNIQUE constraint failed"): // FerretDB 1 on SQLite
			r.refuse(indexes[0], CodeDuplicateKey, err.Error())
			return nil
		case len(indexes) == 1 && documentCodes[Code(err)]:
			r.refuse(indexes[0], Code(err), err.Error())
			return nil
		case documentCodes[Code(err)]: // refused as a whole: find out for which of them
			half := len(indexes) / 2
			if err := r.bring(ctx, indexes[:half]); err != nil {
				return err
			}
			indexes = indexes[half:]
		default:
			return err
		}
	}
	return nil
}

func (r *replacement) refuse(index int, code int32, message string) {
	r.refused = append(r.refused, WriteError{Index: index, Code: code, Message: shorten(message)})
}

// send sends one bulk, and returns what of it is to be sent again, with the reason.
func (r *replacement) send(ctx context.Context, indexes []int) (again []int, err error) {
	models := make([]mongo.WriteModel, len(indexes))
	for n, index := range indexes {
		id, _ := IDOf(r.documents[index])
		models[n] = mongo.NewReplaceOneModel().SetFilter(bson.D{{Key: "_id", Value: id}}).SetReplacement(r.documents[index]).SetUpsert(true)
	}
	ctx, cancel := r.writer.replyBy(ctx)
	defer cancel()
	_, err = r.collection.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	var failed mongo.BulkWriteException
	if !errors.As(err, &failed) {
		return nil, err
	}
	if failed.WriteConcernError != nil {
		// Written, but not as safely as asked for: all of it is sent again.
		return indexes, &CommandError{Code: int32(failed.WriteConcernError.Code), Name: failed.WriteConcernError.Name, Message: "write concern: " + failed.WriteConcernError.Message}
	}
	for _, f := range failed.WriteErrors {
		if f.Index < 0 || f.Index >= len(indexes) {
			return nil, errBadReply
		}
		code := int32(f.Code)
		if passingCodes[code] || Throttled(code, f.Message) {
			again = append(again, indexes[f.Index])
			err = &CommandError{Code: code, Message: f.Message}
			continue
		}
		r.refuse(indexes[f.Index], code, f.Message)
	}
	if len(again) == 0 {
		return nil, nil
	}
	return again, err
}
