// Package idindex makes reads by _id fast on a server that scans a whole collection for each of them, as FerretDB 1
// does. It is an interceptor of a [wire.Proxy], holds the documents of a collection in memory, sorted by _id, and
// answers finds and counts that ask for nothing but _id; all else goes to the server, and so does every write.
//
// It answers only what it is sure of. A collection is held from when it was empty or has been read whole, and
// until something happens to it whose outcome is not plain: an update, a delete, a write without an answer. A
// collection with types of _id that it does not order, or larger than its memory, it leaves to the server.
package idindex

import (
	"context"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// Index is an interceptor in front of a server that has no other clients.
type Index struct {
	mostBytes int64

	// Read-locked by each command, locked by one that may alter whatever it likes.
	whole sync.RWMutex

	mu          sync.Mutex
	collections map[string]*collection // by namespace

	cursors cursors
}

// New returns an index that holds at most so many bytes of documents of each collection.
func New(mostBytes int64) *Index {
	return &Index{mostBytes: mostBytes, collections: map[string]*collection{}, cursors: newCursors()}
}

// harmless are the commands that alter no document.
var harmless = map[string]bool{
	"find": true, "getmore": true, "killcursors": true, "count": true, "distinct": true, "explain": true,
	"hello": true, "ismaster": true, "ping": true, "buildinfo": true, "hostinfo": true, "serverstatus": true,
	"connectionstatus": true, "getparameter": true, "getlog": true, "getcmdlineopts": true, "whatsmyuri": true,
	"listcollections": true, "listdatabases": true, "listindexes": true, "listcommands": true, "create": true,
	"createindexes": true, "dropindexes": true, "collstats": true, "dbstats": true, "datasize": true, "validate": true,
	"endsessions": true, "saslstart": true, "saslcontinue": true, "logout": true,
	"aggregate": true, // the server knows neither $out nor $merge
}

// writes are the commands that alter one collection's documents.
var writes = map[string]bool{"insert": true, "update": true, "delete": true, "findandmodify": true, "drop": true}

// Intercept answers what it can, and follows what happens to the documents.
func (x *Index) Intercept(ctx context.Context, _ *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	name := strings.ToLower(command.Name)
	if command.Unacknowledged {
		command = command.Acknowledged() // here one must know when it is done; the client is told nothing all the same
	}
	if !harmless[name] && !writes[name] {
		x.whole.Lock()
		defer x.whole.Unlock()
		reply, err := next(ctx, command)
		if refused := err == nil && reply != nil && !reply.OK(); !refused {
			x.forgetAll()
		}
		return reply, err
	}
	x.whole.RLock()
	defer x.whole.RUnlock()
	switch name {
	case "insert":
		return x.insert(ctx, command, next)
	case "find", "count", "aggregate":
		return x.read(ctx, command, next)
	case "getmore":
		return x.getMore(ctx, command, next)
	case "killcursors":
		return x.killCursors(ctx, command, next)
	case "update", "delete", "findandmodify", "drop":
		c := x.collection(command.Namespace())
		c.writing.Lock()
		defer c.writing.Unlock()
		c.forget()
	}
	return next(ctx, command)
}

func (x *Index) collection(namespace string) *collection {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.collections[namespace]
	if c == nil {
		c = &collection{}
		x.collections[namespace] = c
	}
	return c
}

func (x *Index) forgetAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.collections {
		c.forget()
	}
}

// insert follows an insert. Several may be under way at once; reading the collection whole waits for them.
func (x *Index) insert(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	c := x.collection(command.Namespace())
	if c.unknown() {
		if err := x.begin(ctx, c, command, next); err != nil {
			return nil, err
		}
	}
	c.writing.RLock()
	defer c.writing.RUnlock()
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() || !c.inserted(command, reply, x.mostBytes) {
		c.forget()
	}
	return reply, err
}

// begin holds a collection that nobody has asked for yet from now on, if it is empty.
func (x *Index) begin(ctx context.Context, c *collection, command *wire.Command, next wire.Next) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.unknown() {
		return nil
	}
	first, err := ask(ctx, bson.D{{Key: "find", Value: command.Collection()}, {Key: "limit", Value: 1}, {Key: "$db", Value: command.Database()}}, next)
	if err != nil {
		return err
	}
	if batch, ok := documents(first, "firstBatch"); ok && len(batch) == 0 {
		c.hold(nil)
	}
	return nil
}

// load reads a collection whole. Writes wait meanwhile.
func (x *Index) load(ctx context.Context, c *collection, command *wire.Command, next wire.Next) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.unknown() {
		return nil
	}
	name, database := command.Collection(), command.Database()
	reply, err := ask(ctx, bson.D{{Key: "find", Value: name}, {Key: "batchSize", Value: 2000}, {Key: "$db", Value: database}}, next)
	var held []entry
	size := int64(0)
	for field := "firstBatch"; ; field = "nextBatch" {
		if err != nil {
			return err
		}
		batch, ok := documents(reply, field)
		if !ok {
			return nil // refused: the client shall hear of it in the server's own words
		}
		for _, document := range batch {
			e, ok := newEntry(document)
			size += int64(len(document))
			if !ok || size > x.mostBytes {
				c.leave()
				id, _ := reply.Lookup("cursor", "id").AsInt64OK()
				_, err := ask(ctx, bson.D{{Key: "killCursors", Value: name}, {Key: "cursors", Value: bson.A{id}}, {Key: "$db", Value: database}}, next)
				return err
			}
			held = append(held, e)
		}
		id, _ := reply.Lookup("cursor", "id").AsInt64OK()
		if id == 0 {
			break
		}
		reply, err = ask(ctx, bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: name}, {Key: "$db", Value: database}}, next)
	}
	c.hold(held)
	return nil
}

// ask sends the server a command of the index's own.
func ask(ctx context.Context, body bson.D, next wire.Next) (bson.Raw, error) {
	raw, err := bson.Marshal(body)
	if err != nil {
		return nil, err
	}
	command, err := wire.NewCommand(raw)
	if err != nil {
		return nil, err
	}
	reply, err := next(ctx, command)
	if err != nil {
		return nil, err
	}
	return reply.Document(), nil
}

// documents is the batch of a cursor's reply; false where the reply has none.
func documents(reply bson.Raw, field string) ([]bson.Raw, bool) {
	array, ok := reply.Lookup("cursor", field).ArrayOK()
	if !ok {
		return nil, false
	}
	values, err := array.Values()
	if err != nil {
		return nil, false
	}
	list := make([]bson.Raw, len(values))
	for n, value := range values {
		list[n], _ = value.DocumentOK()
	}
	return list, true
}
