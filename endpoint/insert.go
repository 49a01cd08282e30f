package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// room for an insert's command and framing beside its documents.
const messageOverhead = 16 << 10

// WriteError is one document that an insert did not take.
type WriteError struct {
	Index   int // in the documents given to Insert
	Code    int32
	Message string
}

// Inserted is what became of a batch. Every document not in Errors is acknowledged by the target.
type Inserted struct {
	Errors []WriteError // duplicates and refusals, in the order of their indexes; nothing that can pass
	Usage  Usage
}

// Inserter inserts batches into one collection over a connection of its own. Not safe for concurrent use; have
// one for each batch in flight.
type Inserter struct {
	collection string
	lane       *lane
	patience   *patience
	array      Array // of the documents being inserted
	head       []byte
	message    []byte
	weight     float64 // documented charge of the message
	pending    []int   // indexes of the documents that are to be sent
	again      []int

	unacknowledged bool // the message asks for no answer
}

// NewInserter prepares to insert. stopping closed means no more patience.
func (w *Writer) NewInserter(collection string, stopping <-chan struct{}) *Inserter {
	return &Inserter{collection: collection, lane: newLane(w.Reader, true, stopping), patience: newPatience(w.config.Retry, stopping)}
}

// Close gives the connection back.
func (i *Inserter) Close() { i.lane.close() }

// Insert sends documents, unordered, in as many messages as the target's limits ask for, and sends again what
// can pass until it is through or patience ends. After an error it is unknown which documents arrived. array is
// these documents as one array where they came in one, else nil: it saves copying them.
func (i *Inserter) Insert(ctx context.Context, documents []bson.Raw, array Array) (Inserted, error) {
	var done Inserted
	i.array = array
	i.pending = i.pending[:0]
	for n, document := range documents {
		if limit := i.lane.endpoint.info.MaxDocument; int64(len(document)) > limit {
			done.Errors = append(done.Errors, WriteError{Index: n, Code: CodeTooLarge,
				Message: fmt.Sprintf("the document has %d bytes, the target takes %d", len(document), limit)})
			continue
		}
		i.pending = append(i.pending, n)
	}
	for len(i.pending) > 0 {
		cause, err := i.round(ctx, documents, &done)
		if err != nil {
			return done, i.failure(err)
		}
		i.pending, i.again = i.again, i.pending
		if len(i.pending) > 0 {
			done.Usage.Retries++
			if err := i.patience.wait(ctx, cause); err != nil {
				return done, i.failure(err)
			}
		}
	}
	slices.SortFunc(done.Errors, func(a, b WriteError) int { return a.Index - b.Index })
	return done, nil
}

// round sends every pending document once. What is to be sent again is in i.again, and cause says why.
func (i *Inserter) round(ctx context.Context, documents []bson.Raw, done *Inserted) (cause, err error) {
	i.again = i.again[:0]
	for from := 0; from < len(i.pending); {
		to, err := i.send(ctx, documents, i.pending[from:])
		sent := i.pending[from : from+to]
		var partly *partialError
		var refusal *CommandError
		switch {
		case err == nil:
			i.patience.progress()
		case errors.As(err, &partly):
			done.Errors = append(done.Errors, partly.final...)
			if partly.throttled {
				done.Usage.Throttled++
			}
			i.again = append(i.again, partly.again...)
			if len(partly.again) < len(sent) {
				i.patience.progress()
			}
			if len(partly.again) > 0 {
				cause = partly
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case Transient(err):
			if errors.As(err, &refusal) && Throttled(refusal.Code, refusal.Message) {
				done.Usage.Throttled++
			}
			i.again = append(i.again, i.pending[from:]...)
			return err, nil
		case errors.As(err, &refusal):
			again, err := i.isolate(ctx, documents, sent, refusal, done)
			if err != nil {
				return nil, err
			}
			if again != nil {
				cause = again
			}
		default:
			return nil, err
		}
		from += to
	}
	return cause, nil
}

// documentCodes are refusals that are about a document and not about the target.
var documentCodes = map[int32]bool{
	2: true, 9: true, 14: true, 16: true, 22: true, 52: true, 53: true, 55: true, 56: true, 57: true, 121: true,
	CodeTooLarge: true, 17280: true, 40606: true,
}

// Documents that are refused one after the other, for a reason that need not be theirs, before nothing but that
// reason is looked for.
const mostBlamed = 20

// isolate finds out which documents of a message that was refused as a whole are to blame, by sending them one
// at a time: some servers refuse a batch for one of its documents. When none is taken, and none refused for a reason
// of its own, the refusal is not about documents and is returned. cause says why some of them are in i.again; nil
// where none is.
func (i *Inserter) isolate(ctx context.Context, documents []bson.Raw, sent []int, refusal *CommandError, done *Inserted) (cause, err error) {
	if len(sent) == 1 {
		if !documentCodes[refusal.Code] {
			return nil, refusal
		}
		done.Errors = append(done.Errors, WriteError{Index: sent[0], Code: refusal.Code, Message: shorten(refusal.Message)})
		return nil, nil
	}
	refused, aboutDocuments := 0, false
	for n := range sent {
		_, err := i.send(ctx, documents, sent[n:n+1])
		var partly *partialError
		var again *CommandError
		switch {
		case err == nil:
			i.patience.progress()
		case errors.As(err, &partly):
			done.Errors = append(done.Errors, partly.final...)
			if partly.throttled {
				done.Usage.Throttled++
			}
			if len(partly.again) > 0 {
				i.again = append(i.again, partly.again...)
				cause = partly
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case Transient(err):
			if errors.As(err, &again) && Throttled(again.Code, again.Message) {
				done.Usage.Throttled++
			}
			i.again = append(i.again, sent[n:]...)
			return err, nil
		case errors.As(err, &again):
			refused++
			aboutDocuments = aboutDocuments || documentCodes[again.Code]
			if refused == min(len(sent), mostBlamed) && refused == n+1 && !aboutDocuments {
				return nil, again
			}
			done.Errors = append(done.Errors, WriteError{Index: sent[n], Code: again.Code, Message: shorten(again.Message)})
		default:
			return nil, err
		}
	}
	return cause, nil
}

func (i *Inserter) failure(err error) error {
	e := i.lane.endpoint
	return fmt.Errorf("connection %s: insert into %s: %w", e.Name(), e.Namespace(i.collection), e.scrub(err))
}

// partialError is an insert that was answered, and took only some of its documents.
type partialError struct {
	final     []WriteError
	again     []int
	throttled bool
	message   string
}

func (e *partialError) Error() string { return e.message }

// send sends one message with as many of the documents at indexes as fit, and returns how many these are.
func (i *Inserter) send(ctx context.Context, documents []bson.Raw, indexes []int) (sent int, err error) {
	if err := i.lane.connect(ctx); err != nil {
		return 0, err
	}
	var reply bsoncore.Document
	if i.passesWhole(documents, indexes) {
		sent = len(documents)
		reply, err = i.lane.roundTrip(ctx, i.composeHead(), i.array, []byte{0})
	} else {
		sent = i.compose(documents, indexes)
		reply, err = i.lane.exchange(ctx, i.message, i.demand())
	}
	if err != nil {
		return sent, err
	}
	return sent, i.examine(reply, indexes[:sent])
}

// demand is what the message that was composed last will probably cost.
func (i *Inserter) demand() demand {
	return demand{collection: i.collection, kind: kindInsert, weight: i.weight, stopping: i.patience.stopping}
}

// passesWhole tells whether all documents are to be sent, came as one array, and may go as one. Where request units
// are metered they may not: how many are affordable at a time is to be seen.
func (i *Inserter) passesWhole(documents []bson.Raw, indexes []int) bool {
	limit := i.lane.endpoint.info
	return i.array != nil && i.lane.endpoint.meter == nil && len(indexes) == len(documents) && int64(len(documents)) <= limit.MaxBatchCount &&
		int64(len(i.array)+messageOverhead) <= min(limit.MaxMessage, limit.MaxDocument) && !i.lane.compresses()
}

// composeHead builds what of an insert message comes before the array, which is the last of its body. What comes
// after it is a zero.
func (i *Inserter) composeHead() []byte {
	index, start, message := appendMessageStart(i.head[:0], 0)
	message = i.appendCommand(message)
	message = bsoncore.AppendHeader(message, bson.TypeArray, "documents")
	length := int32(len(message) + len(i.array) + 1)
	message = bsoncore.UpdateLength(message, start, length-start)
	i.head = bsoncore.UpdateLength(message, index, length-index)
	return i.head
}

// appendCommand appends an insert's fields but for the documents.
func (i *Inserter) appendCommand(message []byte) []byte {
	message = bsoncore.AppendStringElement(message, "insert", i.collection)
	message = bsoncore.AppendBooleanElement(message, "ordered", false)
	message = i.appendWriteConcern(message)
	return i.lane.appendTail(message, false)
}

// compose builds an insert message whose documents are copied as they are into a document sequence.
func (i *Inserter) compose(documents []bson.Raw, indexes []int) (sent int) {
	limit := i.lane.endpoint.info
	affordable := 0.0
	if m := i.lane.endpoint.meter; m != nil {
		affordable = m.governor.affordable(kindInsert, i.collection)
	}
	i.weight = 0
	message, index, start := i.message[:0], int32(0), int32(0)
	index, start, message = appendMessageStart(message, i.insertFlags())
	message = i.appendCommand(message)
	message, _ = bsoncore.AppendDocumentEnd(message, start)

	message = wiremessage.AppendMsgSectionType(message, wiremessage.DocumentSequence)
	sequence := int32(len(message))
	message = append(message, 0, 0, 0, 0)
	message = append(message, "documents\x00"...)
	for _, n := range indexes {
		full := int64(sent) >= limit.MaxBatchCount || int64(len(message)+len(documents[n])+messageOverhead) > limit.MaxMessage
		weight := insertWeight(documents[n])
		if full = full || affordable > 0 && i.weight+weight > affordable; full && sent > 0 {
			break
		}
		i.weight += weight
		message = append(message, documents[n]...)
		sent++
	}
	message = bsoncore.UpdateLength(message, sequence, int32(len(message))-sequence)
	i.message = bsoncore.UpdateLength(message, index, int32(len(message))-index)
	return sent
}

func (i *Inserter) appendWriteConcern(message []byte) []byte {
	concern, message := bsoncore.AppendDocumentElementStart(message, "writeConcern")
	if i.unacknowledged {
		message = bsoncore.AppendInt32Element(message, "w", 0)
	} else if i.lane.endpoint.config.WriteConcern == "majority" {
		message = bsoncore.AppendStringElement(message, "w", "majority")
	} else {
		message = bsoncore.AppendInt32Element(message, "w", 1)
	}
	message, _ = bsoncore.AppendDocumentEnd(message, concern)
	return message
}

// examine reads an answered insert's errors. nil means that every document is in.
func (i *Inserter) examine(reply bsoncore.Document, sent []int) error {
	var partly partialError
	failed := map[int64]bool{}
	if list, ok := reply.Lookup("writeErrors").ArrayOK(); ok {
		values, err := list.Values()
		if err != nil {
			return errBadReply
		}
		for _, v := range values {
			entry, ok := v.DocumentOK()
			if !ok {
				return errBadReply
			}
			at, ok := entry.Lookup("index").AsInt64OK()
			if !ok || at < 0 || at >= int64(len(sent)) || failed[at] {
				return errBadReply
			}
			code, _ := entry.Lookup("code").AsInt64OK()
			message, _ := entry.Lookup("errmsg").StringValueOK()
			partly.add(sent[at], int32(code), message)
			failed[at] = true
		}
	}
	if n, ok := reply.Lookup("n").AsInt64OK(); ok && n != int64(len(sent)-len(failed)) {
		// Other than sent and no word why: what arrived is unknown, so all without a verdict is sent again.
		partly.message = fmt.Sprintf("the target acknowledged %d of %d documents and refused %d", n, len(sent), len(failed))
		for at, index := range sent {
			if !failed[int64(at)] {
				partly.again = append(partly.again, index)
			}
		}
	}
	if concern, ok := reply.Lookup("writeConcernError").DocumentOK(); ok {
		code, _ := concern.Lookup("code").AsInt64OK()
		message, _ := concern.Lookup("errmsg").StringValueOK()
		name, _ := concern.Lookup("codeName").StringValueOK()
		// Written, but not as safely as asked for: sent again, which finds them there.
		return &CommandError{Code: int32(code), Name: name, Message: "write concern: " + message, Reply: bson.Raw(concern)}
	}
	if len(partly.final) == 0 && len(partly.again) == 0 {
		return nil
	}
	return &partly
}

func (e *partialError) add(index int, code int32, message string) {
	switch {
	case Throttled(code, message):
		e.throttled = true
		e.again = append(e.again, index)
		e.message = message // with its RetryAfterMs
	case passingCodes[code], code == codeInternalError && gatewayPattern.MatchString(message):
		e.again = append(e.again, index)
		e.message = message
	default:
		e.final = append(e.final, WriteError{Index: index, Code: code, Message: shorten(message)})
	}
}
