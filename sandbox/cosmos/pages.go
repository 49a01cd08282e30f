package cosmos

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"vida/sandbox/wire"
)

// What a page left over is forgotten when nobody has asked for it for as long as servers keep cursors.
const leftoverKeptFor = 10 * time.Minute

// Cursors that only the double knows are counted from here. Servers count from low numbers, or draw 63 bits by
// lot and hardly ever one of these few.
const firstOwnID = 1<<62 + 1<<61

// page is a batch of documents on its way to the client.
type page struct {
	answer    bson.Raw // the server's; nil where the page is of leftovers alone
	field     string   // firstBatch or nextBatch
	namespace string
	documents []bson.Raw
	id        int64 // of the cursor, as the client will be told
	asked     int64 // the cursor that a getMore named
}

func firstPage(answer bson.Raw) (page, bool, error) { return parsePage(answer, "firstBatch") }
func nextPage(answer bson.Raw) (page, bool, error)  { return parsePage(answer, "nextBatch") }

// parsePage reads a cursor's batch; false where the answer has none.
func parsePage(answer bson.Raw, field string) (page, bool, error) {
	cursor, ok := answer.Lookup("cursor").DocumentOK()
	if !ok {
		return page{}, false, nil
	}
	batch, ok := cursor.Lookup(field).ArrayOK()
	if !ok {
		return page{}, false, nil
	}
	values, err := batch.Values()
	if err != nil {
		return page{}, false, fmt.Errorf("%s: %w", field, err)
	}
	p := page{answer: answer, field: field, documents: make([]bson.Raw, len(values))}
	for n, value := range values {
		if p.documents[n], ok = value.DocumentOK(); !ok {
			return page{}, false, fmt.Errorf("%s: element %d is not a document", field, n)
		}
	}
	p.id, _ = cursor.Lookup("id").AsInt64OK()
	p.namespace, _ = cursor.Lookup("ns").StringValueOK()
	return p, true, nil
}

// reply encodes the page, with whatever else the server answered.
func (p page) reply() (*wire.Reply, error) {
	array := bsoncore.NewArrayBuilder()
	for _, document := range p.documents {
		array.AppendDocument(bsoncore.Document(document))
	}
	cursor := bsoncore.NewDocumentBuilder().
		AppendArray(p.field, array.Build()).
		AppendInt64("id", p.id).
		AppendString("ns", p.namespace).
		Build()
	if p.answer == nil {
		return wire.NewReply(bson.Raw(bsoncore.NewDocumentBuilder().AppendDocument("cursor", cursor).AppendDouble("ok", 1).Build())), nil
	}
	document, err := wire.With(p.answer, bson.D{{Key: "cursor", Value: bson.Raw(cursor)}})
	if err != nil {
		return nil, err
	}
	return wire.NewReply(document), nil
}

// fitting is how many of the documents make one page: at least one, and no more than count unless that is 0.
func fitting(documents []bson.Raw, count, most int) int {
	size := 0
	for n, document := range documents {
		size += len(document)
		if n > 0 && (most > 0 && size > most || count > 0 && n >= count) {
			return n
		}
	}
	return len(documents)
}

// cut makes a page as small as pages are, keeps the rest for the next getMore, and tells whether it did. A
// cursor of a single batch ends with what fits, as it does on a server.
func (d *Double) cut(p *page, namespace string, single bool) bool {
	if d.profile.MaxPageBytes == 0 {
		return false
	}
	n := fitting(p.documents, 0, d.profile.MaxPageBytes)
	if n == len(p.documents) {
		return false
	}
	rest := p.documents[n:]
	p.documents = p.documents[:n]
	if !single {
		p.id = d.pages.keep(*p, namespace, rest)
	}
	return true
}

// leftover is what is still owed of a cursor.
type leftover struct {
	namespace string // of the command
	shown     string // as the server names it
	documents []bson.Raw
	ended     bool // the server has no more
	used      time.Time
}

// pages keeps the rest of pages that were cut, by cursor. A cursor may be read on another connection.
type pages struct {
	mu   sync.Mutex
	owed map[int64]*leftover
	last int64 // id of a cursor that only the double knows
}

func newPages() *pages { return &pages{owed: map[int64]*leftover{}, last: firstOwnID} }

// keep returns the id under which the rest is found again: the cursor's, or where the server has closed it
// already, the one that the client knows, or a new one.
func (p *pages) keep(of page, namespace string, rest []bson.Raw) int64 {
	kept := &leftover{namespace: namespace, shown: of.namespace, ended: of.id == 0, used: time.Now()}
	for _, document := range rest {
		kept.documents = append(kept.documents, bytes.Clone(document)) // the reply's memory is used again
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, old := range p.owed {
		if time.Since(old.used) > leftoverKeptFor {
			delete(p.owed, id)
		}
	}
	id := of.id
	if id == 0 {
		id = of.asked
	}
	if id == 0 {
		p.last++
		id = p.last
	}
	p.owed[id] = kept
	return id
}

// take makes the next page of what is owed; false when nothing is.
func (p *pages) take(id int64, namespace string, count, most int) (page, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owed := p.owed[id]
	if owed == nil || owed.namespace != namespace {
		return page{}, false
	}
	n := fitting(owed.documents, count, most)
	next := page{field: "nextBatch", namespace: owed.shown, documents: owed.documents[:n], id: id}
	owed.documents, owed.used = owed.documents[n:], time.Now()
	if len(owed.documents) == 0 {
		delete(p.owed, id)
		if owed.ended {
			next.id = 0
		}
	}
	return next, true
}

// drop forgets what is owed of a cursor, and tells whether the double was the last to know of it.
func (p *pages) drop(id int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	owed := p.owed[id]
	delete(p.owed, id)
	return owed != nil && owed.ended
}
