package wiretest

import (
	"context"
	"slices"
	"sort"
	"strings"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// Intercept answers every command.
func (s *Server) Intercept(_ context.Context, _ *wire.Conn, command *wire.Command, _ wire.Next) (*wire.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !command.Is("hello", "isMaster", "ping", "endSessions") {
		s.seen = append(s.seen, command.Name)
	}
	namespace := command.Namespace()
	switch strings.ToLower(command.Name) {
	case "hello", "ismaster":
		return answer(bson.D{{Key: "ismaster", Value: true}, {Key: "isWritablePrimary", Value: true}, {Key: "helloOk", Value: true},
			{Key: "setName", Value: "upstream"}, {Key: "hosts", Value: bson.A{"upstream.invalid:27017"}}, {Key: "me", Value: "upstream.invalid:27017"},
			{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21}, {Key: "maxWriteBatchSize", Value: 100_000},
			{Key: "maxMessageSizeBytes", Value: 48_000_000}, {Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "logicalSessionTimeoutMinutes", Value: 30}})
	case "ping", "endsessions", "create":
		return answer(nil)
	case "buildinfo":
		return answer(bson.D{{Key: "version", Value: "7.0.99"}, {Key: "ferretdb", Value: bson.D{{Key: "version", Value: "v1"}}}})
	case "insert":
		return s.insert(command)
	case "update":
		return s.update(command)
	case "delete":
		return s.remove(command)
	case "find":
		return s.open(command, s.query(command.Namespace(), command.Body))
	case "aggregate":
		return s.open(command, s.query(command.Namespace(), nil))
	case "getmore":
		return s.getMore(command)
	case "killcursors":
		return answer(bson.D{{Key: "cursorsKilled", Value: bson.A{}}})
	case "count":
		return answer(bson.D{{Key: "n", Value: len(s.query(namespace, nil))}})
	case "collstats":
		size := 0
		for _, document := range s.collection(namespace).list() {
			size += len(document)
		}
		return answer(bson.D{{Key: "count", Value: len(s.collection(namespace).order)}, {Key: "size", Value: size}})
	case "listindexes":
		return answer(bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: namespace},
			{Key: "firstBatch", Value: s.collection(namespace).indexes}}}})
	case "listcollections":
		return s.listCollections(command)
	case "createindexes":
		var body struct{ Indexes []bson.D }
		if err := bson.Unmarshal(command.Body, &body); err != nil {
			return nil, err
		}
		c := s.collection(namespace)
		c.indexes = append(c.indexes, body.Indexes...)
		return answer(nil)
	}
	return wire.ErrorReply(59, "CommandNotFound", "no such command: '"+command.Name+"'"), nil
}

func answer(fields bson.D) (*wire.Reply, error) {
	return wire.MarshalReply(append(fields, bson.E{Key: "ok", Value: 1.0}))
}

func (s *Server) insert(command *wire.Command) (*wire.Reply, error) {
	documents, err := command.Operations()
	if err != nil {
		return nil, err
	}
	n, failures := 0, bson.A{}
	for index, document := range documents {
		if s.collection(command.Namespace()).insert(document) {
			n++
			continue
		}
		failures = append(failures, bson.D{{Key: "index", Value: index}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000 duplicate key"}})
		if command.Ordered() {
			break
		}
	}
	fields := bson.D{{Key: "n", Value: n}}
	if len(failures) > 0 {
		fields = append(fields, bson.E{Key: "writeErrors", Value: failures})
	}
	return answer(fields)
}

// update replaces by _id, and inserts what is not there.
func (s *Server) update(command *wire.Command) (*wire.Reply, error) {
	updates, err := command.Operations()
	if err != nil {
		return nil, err
	}
	modified, upserted := 0, bson.A{}
	c := s.collection(command.Namespace())
	for index, update := range updates {
		document := update.Lookup("u").Document()
		if c.insert(document) {
			upserted = append(upserted, bson.D{{Key: "index", Value: index}, {Key: "_id", Value: document.Lookup("_id")}})
			continue
		}
		c.documents[key(document)] = slices.Clone(document)
		modified++
	}
	fields := bson.D{{Key: "n", Value: len(updates)}, {Key: "nModified", Value: modified}}
	if len(upserted) > 0 {
		fields = append(fields, bson.E{Key: "upserted", Value: upserted})
	}
	return answer(fields)
}

func (s *Server) remove(command *wire.Command) (*wire.Reply, error) {
	deletes, err := command.Operations()
	if err != nil {
		return nil, err
	}
	n := 0
	c := s.collection(command.Namespace())
	for _, one := range deletes {
		k := key(one.Lookup("q").Document())
		if _, there := c.documents[k]; there {
			delete(c.documents, k)
			c.order = slices.DeleteFunc(c.order, func(other string) bool { return other == k })
			n++
		}
	}
	return answer(bson.D{{Key: "n", Value: n}})
}

// query returns documents by _id: equal to one, or all that are greater than a number, sorted.
func (s *Server) query(namespace string, body bson.Raw) []bson.Raw {
	list := s.collection(namespace).list()
	filter, _ := body.Lookup("filter").DocumentOK()
	if id, err := filter.LookupErr("_id"); err == nil {
		list = slices.DeleteFunc(list, func(document bson.Raw) bool {
			if above, ok := filter.Lookup("_id", "$gt").AsInt64OK(); ok {
				return document.Lookup("_id").AsInt64() <= above
			}
			return !document.Lookup("_id").Equal(id)
		})
	}
	sort.SliceStable(list, func(a, b int) bool {
		left, _ := list[a].Lookup("_id").AsInt64OK()
		right, _ := list[b].Lookup("_id").AsInt64OK()
		return left < right
	})
	if limit, ok := body.Lookup("limit").AsInt64OK(); ok && limit > 0 && int(limit) < len(list) {
		list = list[:limit]
	}
	return list
}

func (s *Server) open(command *wire.Command, list []bson.Raw) (*wire.Reply, error) {
	size, ok := command.Body.Lookup("batchSize").AsInt64OK()
	if !ok {
		size, ok = command.Body.Lookup("cursor", "batchSize").AsInt64OK()
	}
	if !ok {
		size = 101
	}
	n := min(int(size), len(list))
	id := int64(0)
	if single, _ := command.Body.Lookup("singleBatch").BooleanOK(); n < len(list) && !single {
		s.lastCursor++
		id = s.lastCursor
		s.cursors[id] = &cursor{namespace: command.Namespace(), rest: list[n:]}
	}
	return answer(bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: id}, {Key: "ns", Value: command.Namespace()}, {Key: "firstBatch", Value: list[:n]}}}})
}

func (s *Server) getMore(command *wire.Command) (*wire.Reply, error) {
	id, _ := command.Body.Lookup("getMore").AsInt64OK()
	c := s.cursors[id]
	if c == nil {
		return wire.ErrorReply(43, "CursorNotFound", "cursor not found"), nil
	}
	n := len(c.rest)
	if size, ok := command.Body.Lookup("batchSize").AsInt64OK(); ok && size > 0 {
		n = min(n, int(size))
	}
	batch := c.rest[:n]
	c.rest = c.rest[n:]
	if len(c.rest) == 0 {
		delete(s.cursors, id)
		id = 0
	}
	return answer(bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: id}, {Key: "ns", Value: c.namespace}, {Key: "nextBatch", Value: batch}}}})
}

// listCollections lists collections that hold something, all of them whatever the filter is.
func (s *Server) listCollections(command *wire.Command) (*wire.Reply, error) {
	list := bson.A{}
	for namespace, c := range s.collections {
		if name, ok := strings.CutPrefix(namespace, command.Database()+"."); ok && len(c.order) > 0 {
			list = append(list, bson.D{{Key: "name", Value: name}, {Key: "type", Value: "collection"}})
		}
	}
	return answer(bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: command.Database() + ".$cmd.listCollections"}, {Key: "firstBatch", Value: list}}}})
}
