package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// A change stream of Cosmos DB that is read from time zero brings every document of a physical partition in the
// order of their last writes, each as it is by the time it is read; what is written meanwhile comes, or comes again,
// later. It never ends, it does not tell of deletions, and where it is throttled it answers with an empty page
// instead of an error.

// Stream says which change stream to read.
type Stream struct {
	Collection     string
	After          bson.Raw // where to go on: a token of ChangeStreamTokens, or a batch's After
	BatchDocuments int
	BatchBytes     int64
	DocumentBytes  int64           // a guess at the mean size, for the first batch; 0 for none
	Stopping       <-chan struct{} // closed: no more patience
}

// StreamBatch is documents as the server sent them. It stays valid until it is dropped.
type StreamBatch struct {
	Documents []bson.Raw
	Bytes     int64
	After     bson.Raw // goes on after this batch; in memory of its own
	Usage     Usage
}

// ErrStreamLost is in the error where the server does not know the place to go on from any more, as after the
// partition has been split.
var ErrStreamLost = errors.New("the server does not go on with this change stream")

// StreamCursor reads a [Stream] until it has caught up. A cursor that the server lost, and whatever else can pass, is
// mended inside. Not safe for concurrent use.
type StreamCursor struct {
	stream   Stream
	lane     *lane
	patience *patience
	id       int64
	opened   bool
	after    bson.Raw
	quiet    int     // pages without news, one after the other
	gone     int     // refusals because of a partition that moves, one after the other
	mean     float64 // bytes an event
	guessed  bool    // mean is what metadata says
	asked    int
	usage    Usage
}

const (
	// A server with nothing new keeps a getMore waiting for so long, and where it does not, the reader waits.
	streamAwait = 300 * time.Millisecond
	// A stream has caught up after so many pages in a row without news that were not refused for want of request
	// units. Where the server does not tell what a page cost these cannot be told apart, and more are asked for. It is
	// a guess, and one that may be wrong at no loss: who reads a stream compares the _ids of both sides afterwards,
	// and takes the stream up again where it stopped.
	quietPages       = 3
	quietPagesUntold = 10
	// What an event has beside its document: its token, its key and its namespace.
	eventOverhead = 300
	// A throttled attempt costs about 0.4 request units, a page without news at least 2.
	leastPageCost = 1.0
	// So often a stream is opened again that a server refuses because its partition has gone, as one that is being
	// split has for a moment.
	mostGone = 5
)

// ReadStream starts reading. Nothing is sent before the first Next.
func (r *Reader) ReadStream(stream Stream) *StreamCursor {
	c := &StreamCursor{
		stream:   stream,
		lane:     newLane(r, false, stream.Stopping),
		patience: newPatience(r.config.Retry, stream.Stopping),
		after:    stream.After,
		guessed:  true,
	}
	if stream.DocumentBytes > 0 {
		c.mean = float64(stream.DocumentBytes + eventOverhead)
	}
	c.SetBatch(stream.BatchDocuments, stream.BatchBytes)
	return c
}

// SetBatch changes the size of the batches to come.
func (c *StreamCursor) SetBatch(documents int, size int64) {
	if size <= 0 {
		size = maxReplyBytes
	}
	c.stream.BatchDocuments, c.stream.BatchBytes = max(documents, 1), size
}

// Expected is how many bytes the next batch will hold, as far as one can tell before asking.
func (c *StreamCursor) Expected() int64 {
	if c.mean == 0 {
		return min(c.stream.BatchBytes, maxReplyBytes)
	}
	return min(int64(c.mean*float64(c.batchDocuments())), maxReplyBytes)
}

// After is where to go on after the last batch that was returned.
func (c *StreamCursor) After() bson.Raw { return c.after }

func (c *StreamCursor) batchDocuments() int {
	most, mean := c.lane.page(kindStream, c.stream.Collection, c.stream.BatchBytes, c.mean, c.guessed)
	if mean == 0 {
		mean = unseenDocument
	}
	return max(1, min(c.stream.BatchDocuments, int(most/mean)))
}

// Next returns the next batch, which is not empty, or ErrEnd once the stream has caught up.
func (c *StreamCursor) Next(ctx context.Context) (StreamBatch, error) {
	for {
		batch, err := c.request(ctx)
		if err == nil && len(batch.Documents) > 0 {
			batch.Usage, c.usage = c.usage, Usage{}
			return batch, nil
		}
		if err == nil && c.caughtUp() {
			return StreamBatch{}, ErrEnd
		}
		if err != nil {
			err = c.recover(ctx, err)
		}
		if err != nil {
			return StreamBatch{}, fmt.Errorf("connection %s: read the change stream of %s: %w", c.lane.endpoint.Name(),
				c.lane.endpoint.Namespace(c.stream.Collection), c.lane.endpoint.scrub(err))
		}
	}
}

func (c *StreamCursor) caughtUp() bool {
	if m := c.lane.endpoint.meter; m == nil || !m.tells() {
		return c.quiet >= quietPagesUntold
	}
	return c.quiet >= quietPages
}

// errEmptyPage stands for the refusal that a throttled stream does not send.
var errEmptyPage = &CommandError{Code: CodeRequestRateTooLarge, Name: "RequestRateTooLarge", Message: "the change stream answers with empty pages for want of request units"}

// recover decides what follows a failed request: nil to try again.
func (c *StreamCursor) recover(ctx context.Context, err error) error {
	var refusal *CommandError
	refused := errors.As(err, &refusal)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case refused && tokenRefused(refusal):
		return fmt.Errorf("%w: %w", ErrStreamLost, refusal)
	case refused && partitionGone(refusal):
		if c.gone++; c.gone > mostGone {
			return fmt.Errorf("%w: %w", ErrStreamLost, refusal)
		}
		c.opened = false
	case !Transient(err):
		return err
	case !refused:
		c.opened = false // the cursor went with its connection
	case Throttled(refusal.Code, refusal.Message):
		c.usage.Throttled++
		c.opened = c.opened && refusal.Code == CodeRequestRateTooLarge
	default:
		c.opened = false
	}
	c.usage.Retries++
	return c.patience.wait(ctx, err)
}

// tokenCodes are refusals of a resume token: not one of this collection, or too old.
var tokenCodes = map[int32]bool{260: true, 280: true, 286: true, 40585: true, 40615: true}

// tokenRefused tells whether the server does not know the place to go on from. Cosmos DB has been seen to say so as
// an invalid option (72): "Expired resume token or cursor, reinitialize the change stream cursor".
func tokenRefused(e *CommandError) bool {
	return tokenCodes[e.Code] || e.Code == 72 && strings.Contains(strings.ToLower(e.Message), "resume token")
}

// partitionGone tells whether a partition is moving, or has moved.
func partitionGone(e *CommandError) bool { return strings.Contains(e.Message, "Gone (410)") }

// request sends aggregate or getMore, once.
func (c *StreamCursor) request(ctx context.Context) (StreamBatch, error) {
	if c.lane.connection == nil {
		c.opened = false
	}
	if err := c.lane.connect(ctx); err != nil {
		return StreamBatch{}, err
	}
	message, err := c.command()
	if err != nil {
		return StreamBatch{}, err
	}
	weight := readWeight(int64(max(c.mean, 1) * float64(c.asked)))
	began := time.Now()
	reply, throttled, err := c.lane.metered(ctx, message, demand{collection: c.stream.Collection, kind: kindStream, weight: weight, stopping: c.stream.Stopping})
	if err != nil {
		return StreamBatch{}, err
	}
	field := "nextBatch"
	if !c.opened {
		field = "firstBatch"
	}
	id, _, events, err := readBatch(reply, field, c.asked)
	if err != nil {
		c.lane.fail(err)
		return StreamBatch{}, err
	}
	c.opened, c.id = id != 0, id // a stream that the server closes is opened again
	batch, err := c.accept(events)
	if err != nil {
		return StreamBatch{}, err
	}
	if token, ok := reply.Lookup("cursor", "postBatchResumeToken").DocumentOK(); ok {
		c.after = bytes.Clone(token)
		batch.After = c.after
	}
	switch {
	case len(events) > 0:
		c.quiet, c.gone = 0, 0
		c.patience.progress()
	case throttled:
		return StreamBatch{}, errEmptyPage
	default:
		c.quiet++
		c.gone = 0
		c.patience.progress()
		return StreamBatch{}, c.pause(ctx, streamAwait-time.Since(began))
	}
	return batch, nil
}

// pause waits where the server did not.
func (c *StreamCursor) pause(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.stream.Stopping:
		return fmt.Errorf("%w: it waited for news of a change stream", ErrStopping)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// accept takes the documents out of events. One that was deleted since has none.
func (c *StreamCursor) accept(events []bson.Raw) (StreamBatch, error) {
	var batch StreamBatch
	size := 0
	for _, event := range events {
		size += len(event)
		if document, ok := event.Lookup("fullDocument").DocumentOK(); ok {
			if _, ok := IDOf(document); !ok {
				return batch, errors.New("a document without _id")
			}
			batch.Documents = append(batch.Documents, document)
			batch.Bytes += int64(len(document))
		}
	}
	if len(events) == 0 {
		return batch, nil
	}
	// On Cosmos DB every event of a page has the token of the page's end.
	token, ok := events[len(events)-1].Lookup("_id").DocumentOK()
	if !ok {
		return batch, errors.New("an event without a resume token")
	}
	c.after = bytes.Clone(token)
	batch.After = c.after
	if mean := float64(size) / float64(len(events)); c.guessed {
		c.mean, c.guessed = mean, false
	} else {
		c.mean = (c.mean + mean) / 2
	}
	return batch, nil
}

func (c *StreamCursor) command() ([]byte, error) {
	index, start, message := appendMessageStart(nil, 0)
	c.asked = c.batchDocuments()
	if c.opened {
		message = bsoncore.AppendInt64Element(message, "getMore", c.id)
		message = bsoncore.AppendStringElement(message, "collection", c.stream.Collection)
		message = bsoncore.AppendInt32Element(message, "batchSize", int32(c.asked))
		message = bsoncore.AppendInt64Element(message, "maxTimeMS", streamAwait.Milliseconds())
		message = c.lane.appendTail(message, false)
	} else {
		// Cosmos DB asks for exactly these stages.
		body, err := bson.Marshal(bson.D{
			{Key: "aggregate", Value: c.stream.Collection},
			{Key: "pipeline", Value: bson.A{
				bson.D{{Key: "$changeStream", Value: bson.D{{Key: "fullDocument", Value: "updateLookup"}, {Key: "resumeAfter", Value: c.after}}}},
				bson.D{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{{Key: "$in", Value: bson.A{"insert", "update", "replace"}}}}}}},
				bson.D{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}, {Key: "fullDocument", Value: 1}, {Key: "ns", Value: 1}, {Key: "documentKey", Value: 1}}}},
			}},
			{Key: "cursor", Value: bson.D{{Key: "batchSize", Value: int32(c.asked)}}},
		})
		if err != nil {
			return nil, err
		}
		message = append(message, body[4:len(body)-1]...)
		message = c.lane.appendTail(message, true)
	}
	message, err := bsoncore.AppendDocumentEnd(message, start)
	if err != nil {
		return nil, err
	}
	return bsoncore.UpdateLength(message, index, int32(len(message))-index), nil
}

// Close gives the connection back, and the cursor where the server still holds one.
func (c *StreamCursor) Close(ctx context.Context) {
	if c.opened && c.lane.connection != nil && ctx.Err() == nil {
		c.lane.killCursor(ctx, c.stream.Collection, c.id)
	}
	c.lane.close()
}
