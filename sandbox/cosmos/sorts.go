package cosmos

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// An index made without the double's knowledge is noticed after this long.
const indexesKeptFor = 2 * time.Second

// indexCache keeps what collections are indexed by, so that a sort costs no question each time.
type indexCache struct {
	mu    sync.Mutex
	known map[string]cachedIndexes // by namespace
}

type cachedIndexes struct {
	keys [][]sortKey
	read time.Time
}

// sortKey is one path of a sort or of an index.
type sortKey struct {
	path       string
	descending bool
}

func (c *indexCache) get(namespace string, now time.Time) ([][]sortKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.known[namespace]
	return entry.keys, ok && now.Sub(entry.read) < indexesKeptFor
}

func (c *indexCache) put(namespace string, keys [][]sortKey, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]cachedIndexes{}
	}
	c.known[namespace] = cachedIndexes{keys: keys, read: now}
}

func (c *indexCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
}

// refuseSort is the answer to a sort that no index serves, and nil for others.
func (d *Double) refuseSort(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	wanted := sortOf(command)
	if !d.profile.RefuseUnindexedSorts || len(wanted) == 0 || len(wanted) == 1 && wanted[0].path == "_id" {
		return nil, nil
	}
	keys, err := d.indexKeys(ctx, command, next)
	if err != nil || keys == nil {
		return nil, err // no collection, nothing to sort
	}
	for _, key := range keys {
		if serves(key, wanted) {
			return nil, nil
		}
	}
	return wire.ErrorReply(codeBadValue, "BadValue", unindexedSortMessage), nil
}

// sortOf is what a find or an aggregation sorts the collection by; an aggregation's intermediate results need
// no index.
func sortOf(command *wire.Command) []sortKey {
	if command.Is("find") {
		specification, _ := command.Body.Lookup("sort").DocumentOK()
		return parseKeys(specification)
	}
	for _, stage := range stages(command) {
		switch stage.name {
		case "$match":
			continue
		case "$sort":
			specification, _ := stage.spec.DocumentOK()
			return parseKeys(specification)
		}
		break
	}
	return nil
}

// parseKeys reads {path: 1 or -1}; none where it holds anything else, such as a text score or $natural.
func parseKeys(specification bson.Raw) []sortKey {
	elements, _ := specification.Elements()
	var keys []sortKey
	for _, element := range elements {
		direction, ok := asFloat(element.Value())
		if !ok || element.Key() == "$natural" {
			return nil
		}
		keys = append(keys, sortKey{path: element.Key(), descending: direction < 0})
	}
	return keys
}

// serves: an index serves a sort by its leading paths, read forwards or backwards. A wildcard serves any one.
func serves(key, wanted []sortKey) bool {
	if len(wanted) == 1 && len(key) == 1 && key[0].path == "$**" {
		return true
	}
	if len(key) < len(wanted) {
		return false
	}
	backwards := key[0].descending != wanted[0].descending
	for n := range wanted {
		if key[n].path != wanted[n].path || (key[n].descending != wanted[n].descending) != backwards {
			return false
		}
	}
	return true
}

// indexKeys asks the server for a collection's indexes; nil when there is no collection.
func (d *Double) indexKeys(ctx context.Context, command *wire.Command, next wire.Next) ([][]sortKey, error) {
	namespace := command.Namespace()
	if keys, ok := d.indexes.get(namespace, d.now()); ok {
		return keys, nil
	}
	question, err := bson.Marshal(bson.D{
		{Key: "listIndexes", Value: command.Collection()},
		{Key: "cursor", Value: bson.D{{Key: "batchSize", Value: 1000}}},
		{Key: "$db", Value: command.Database()},
	})
	if err != nil {
		return nil, err
	}
	list, err := wire.NewCommand(question)
	if err != nil {
		return nil, err
	}
	reply, err := next(ctx, list)
	if err != nil || !reply.OK() {
		return nil, err
	}
	var keys [][]sortKey
	batch, _ := reply.Document().Lookup("cursor", "firstBatch").ArrayOK()
	values, _ := batch.Values()
	for _, value := range values {
		key, _ := value.Document().Lookup("key").DocumentOK()
		if parsed := parseKeys(key); parsed != nil {
			keys = append(keys, parsed)
		}
	}
	d.indexes.put(namespace, keys, d.now())
	return keys, nil
}
