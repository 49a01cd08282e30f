// Package wiretest is a small server that keeps documents in memory, for tests of what stands in front of a
// server. It knows queries on _id and nothing else; it is no model of MongoDB.
package wiretest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// Server is a running server.
type Server struct {
	proxy *wire.Proxy

	mu          sync.Mutex
	collections map[string]*collection // by namespace
	cursors     map[int64]*cursor
	lastCursor  int64
	seen        []string
}

type collection struct {
	documents map[string]bson.Raw // by the bytes of _id
	order     []string
	indexes   []bson.D
}

type cursor struct {
	namespace string
	rest      []bson.Raw
}

// Start serves until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{collections: map[string]*collection{}, cursors: map[int64]*cursor{}}
	var err error
	// Nothing is ever forwarded: the interceptor answers everything.
	s.proxy, err = wire.Start(context.Background(), wire.Options{Upstream: "127.0.0.1:1", Interceptors: []wire.Interceptor{s}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Close stops serving; the documents stay.
func (s *Server) Close() { _ = s.proxy.Close() }

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.proxy.Addr() }

// Seen lists the names of the commands that arrived, in their order, without handshakes and the like.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Documents lists what a namespace holds, in the order of insertion.
func (s *Server) Documents(namespace string) []bson.Raw {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.collection(namespace).list()
}

// Insert puts documents in, which need an _id.
func (s *Server) Insert(t testing.TB, namespace string, documents ...any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, document := range documents {
		raw, err := bson.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		s.collection(namespace).insert(raw)
	}
}

func (s *Server) collection(namespace string) *collection {
	c := s.collections[namespace]
	if c == nil {
		c = &collection{documents: map[string]bson.Raw{}, indexes: []bson.D{{
			{Key: "v", Value: 2}, {Key: "key", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "name", Value: "_id_"}}}}
		s.collections[namespace] = c
	}
	return c
}

func key(document bson.Raw) string {
	id := document.Lookup("_id")
	return string(id.Type) + string(id.Value)
}

// insert tells whether the _id was free.
func (c *collection) insert(document bson.Raw) bool {
	k := key(document)
	if _, taken := c.documents[k]; taken {
		return false
	}
	c.documents[k] = slices.Clone(document)
	c.order = append(c.order, k)
	return true
}

func (c *collection) list() []bson.Raw {
	out := make([]bson.Raw, len(c.order))
	for n, k := range c.order {
		out[n] = c.documents[k]
	}
	return out
}
