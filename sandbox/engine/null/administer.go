package null

import (
	"errors"
	"io"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// statsCommand answers with the server's Stats; {vidaSandboxStats: 1, reset: true} begins again after it.
const statsCommand = "vidaSandboxStats"

// wireVersion is that of MongoDB 7.0.
const wireVersion = 21

// administer answers what is not about documents.
func (c *connection) administer() (bson.D, error) {
	ok := bson.D{{Key: "ok", Value: 1.0}}
	switch name := c.request.name; name {
	case "hello", "isMaster", "ismaster":
		return append(hello(), bson.E{Key: "compression", Value: offered(c.request.body)}), nil
	case "ping", "endSessions", "killSessions", "refreshSessions":
		return ok, nil
	case "buildInfo", "buildinfo":
		return bson.D{{Key: "version", Value: "7.0.0-null"}, {Key: "versionArray", Value: bson.A{7, 0, 0, 0}}, {Key: "maxBsonObjectSize", Value: int32(maxSentBytes)}, {Key: "ok", Value: 1.0}}, nil
	case "connectionStatus":
		return bson.D{{Key: "authInfo", Value: bson.D{{Key: "authenticatedUsers", Value: bson.A{}}, {Key: "authenticatedUserRoles", Value: bson.A{}}}}, {Key: "ok", Value: 1.0}}, nil
	case "killCursors":
		return c.killCursors()
	case "listDatabases":
		return c.listDatabases(), nil
	case "listCollections":
		return c.listCollections()
	case "create":
		if _, made := c.server.create(c.request.namespace()); !made {
			return nil, refuse(codeNamespaceExists, "Collection %s already exists.", c.request.namespace())
		}
		return ok, nil
	case "drop":
		if !c.server.drop(c.request.namespace()) {
			return nil, refuse(codeNamespaceNotFound, "ns not found")
		}
		return ok, nil
	case "dropDatabase":
		for _, name := range c.server.names(c.request.database) {
			c.server.drop(c.request.database + "." + name)
		}
		return ok, nil
	case "listIndexes":
		return c.listIndexes()
	case "createIndexes":
		return c.createIndexes()
	case "collStats":
		return c.collStats(), nil
	case statsCommand:
		return c.stats()
	default:
		return nil, refuse(codeCommandNotFound, "no such command: '%s'", name)
	}
}

func hello() bson.D {
	return bson.D{
		{Key: "helloOk", Value: true},
		{Key: "isWritablePrimary", Value: true},
		{Key: "ismaster", Value: true},
		{Key: "maxBsonObjectSize", Value: int32(maxSentBytes)},
		{Key: "maxMessageSizeBytes", Value: int32(maxMessageBytes)},
		{Key: "maxWriteBatchSize", Value: int32(maxWriteBatch)},
		{Key: "localTime", Value: time.Now()},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(wireVersion)},
		{Key: "readOnly", Value: false},
		{Key: "ok", Value: 1.0},
	}
}

func (c *connection) killCursors() (bson.D, error) {
	list, _ := c.request.body.Lookup("cursors").ArrayOK()
	values, err := list.Values()
	if err != nil {
		return nil, refuse(codeFailedToParse, "cursors: %v", err)
	}
	killed, missing := bson.A{}, bson.A{}
	for _, v := range values {
		id, _ := v.AsInt64OK()
		if c.server.cursors.take(id) != nil {
			killed = append(killed, id)
		} else {
			missing = append(missing, id)
		}
	}
	return bson.D{
		{Key: "cursorsKilled", Value: killed}, {Key: "cursorsNotFound", Value: missing},
		{Key: "cursorsAlive", Value: bson.A{}}, {Key: "cursorsUnknown", Value: bson.A{}}, {Key: "ok", Value: 1.0},
	}, nil
}

func (c *connection) listDatabases() bson.D {
	names := c.server.databases()
	slices.Sort(names)
	list := bson.A{}
	for _, name := range names {
		list = append(list, bson.D{{Key: "name", Value: name}, {Key: "sizeOnDisk", Value: int64(0)}, {Key: "empty", Value: false}})
	}
	return bson.D{{Key: "databases", Value: list}, {Key: "totalSize", Value: int64(0)}, {Key: "ok", Value: 1.0}}
}

// listCollections knows the filter by an exact name and by none.
func (c *connection) listCollections() (bson.D, error) {
	only := ""
	filter, _ := c.request.body.Lookup("filter").DocumentOK()
	elements, err := filter.Elements()
	if len(filter) > 0 && err != nil {
		return nil, refuse(codeFailedToParse, "filter: %v", err)
	}
	for _, e := range elements {
		text, isText := e.Value().StringValueOK()
		switch {
		case e.Key() == "name" && isText:
			only = text
		case e.Key() == "type" && isText && text == "collection":
		default:
			return nil, refuse(codeBadValue, "the null engine filters collections by an exact name only")
		}
	}
	names := c.server.names(c.request.database)
	slices.Sort(names)
	list := bson.A{}
	for _, name := range names {
		if only != "" && name != only {
			continue
		}
		list = append(list, bson.D{
			{Key: "name", Value: name}, {Key: "type", Value: "collection"}, {Key: "options", Value: bson.D{}},
			{Key: "info", Value: bson.D{{Key: "readOnly", Value: false}}}, {Key: "idIndex", Value: idIndex()},
		})
	}
	return cursorReply(c.request.database+".$cmd.listCollections", list), nil
}

func idIndex() bson.D {
	return bson.D{{Key: "v", Value: int32(2)}, {Key: "key", Value: bson.D{{Key: "_id", Value: int32(1)}}}, {Key: "name", Value: "_id_"}}
}

func (c *connection) listIndexes() (bson.D, error) {
	collection := c.server.collection(c.request.namespace())
	if collection == nil {
		return nil, refuse(codeNamespaceNotFound, "ns does not exist: %s", c.request.namespace())
	}
	list := bson.A{idIndex()}
	collection.mu.Lock()
	defer collection.mu.Unlock()
	for _, index := range collection.indexes {
		list = append(list, index)
	}
	return cursorReply(c.request.namespace(), list), nil
}

// createIndexes keeps the definitions to list them. Nothing is built: all queries are on _id.
func (c *connection) createIndexes() (bson.D, error) {
	var wanted []bson.Raw
	for {
		definition, err := c.request.next("indexes")
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, slices.Clone(definition))
	}
	collection, made := c.server.create(c.request.namespace())
	collection.mu.Lock()
	defer collection.mu.Unlock()
	before := len(collection.indexes)
	for _, definition := range wanted {
		name, _ := definition.Lookup("name").StringValueOK()
		if name == "" {
			return nil, refuse(codeFailedToParse, "an index needs a name")
		}
		known := func(other bson.Raw) bool { return other.Lookup("name").StringValue() == name }
		if name != "_id_" && !slices.ContainsFunc(collection.indexes, known) {
			collection.indexes = append(collection.indexes, definition)
		}
	}
	return bson.D{
		{Key: "numIndexesBefore", Value: int32(before + 1)}, {Key: "numIndexesAfter", Value: int32(len(collection.indexes) + 1)},
		{Key: "createdCollectionAutomatically", Value: made}, {Key: "ok", Value: 1.0},
	}, nil
}

func (c *connection) collStats() bson.D {
	documents := int64(0)
	if collection := c.server.collection(c.request.namespace()); collection != nil {
		documents = collection.count.Load()
	}
	size := int64(c.server.layout.bytes)
	return bson.D{
		{Key: "ns", Value: c.request.namespace()}, {Key: "count", Value: documents}, {Key: "size", Value: documents * size},
		{Key: "avgObjSize", Value: size}, {Key: "storageSize", Value: int64(0)}, {Key: "ok", Value: 1.0},
	}
}

func (c *connection) stats() (bson.D, error) {
	encoded, err := bson.Marshal(c.server.Stats())
	if err != nil {
		return nil, err
	}
	var reply bson.D
	if err := bson.Unmarshal(encoded, &reply); err != nil {
		return nil, err
	}
	if reset, _ := c.request.body.Lookup("reset").BooleanOK(); reset {
		c.server.counters.reset()
	}
	return append(reply, bson.E{Key: "ok", Value: 1.0}), nil
}
