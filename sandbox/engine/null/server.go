package null

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
)

// Server is one listening server.
type Server struct {
	options  Options
	layout   layout
	listener net.Listener
	counters counters
	cursors  cursors

	mu          sync.Mutex
	collections map[string]*collection // by namespace
	connections map[net.Conn]struct{}
	closed      bool
	running     sync.WaitGroup
}

// NewSource serves the virtual collection, whole, at an address with a port of 0 for any free one.
func NewSource(address string, options Options) (*Server, error) {
	return listen(address, options, true)
}

// NewSink serves collections that start out empty and take documents of the virtual collection, and no others.
func NewSink(address string, options Options) (*Server, error) {
	return listen(address, options, false)
}

func listen(address string, options Options, whole bool) (*Server, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options:     options,
		layout:      newLayout(options),
		listener:    listener,
		cursors:     cursors{open: map[int64]*cursor{}},
		collections: map[string]*collection{},
		connections: map[net.Conn]struct{}{},
	}
	if whole {
		s.collections[options.Database+"."+options.Collection] = newFullCollection(s.layout)
	}
	s.running.Go(s.accept)
	return s, nil
}

// URI is where clients find the server.
func (s *Server) URI() string { return "mongodb://" + s.listener.Addr().String() + "/" }

// Stats says what the server has done.
func (s *Server) Stats() Stats {
	stats := s.counters.stats()
	if c := s.collection(s.options.Database + "." + s.options.Collection); c != nil {
		stats.Documents = c.count.Load()
	}
	stats.Missing = s.options.Documents - stats.Documents
	return stats
}

// Close cuts all connections and waits for what they were doing.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	errs := []error{s.listener.Close()}
	for c := range s.connections {
		_ = c.Close() // whoever uses it has the error
	}
	s.mu.Unlock()
	s.running.Wait()
	return errors.Join(errs...)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			continue // one that was gone again
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.connections[conn] = struct{}{}
		s.running.Go(func() {
			// A connection ends when its client goes, or breaks the protocol: there is nobody to tell.
			_ = newConnection(s, conn).serve()
			_ = conn.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.connections, conn)
		})
		s.mu.Unlock()
	}
}

// collection returns the collection of a namespace, or nil.
func (s *Server) collection(namespace string) *collection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.collections[namespace]
}

// create returns the collection of a namespace, made where it is missing, and whether it was.
func (s *Server) create(namespace string) (c *collection, made bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.collections[namespace]; c != nil {
		return c, false
	}
	c = newCollection(s.layout, false)
	s.collections[namespace] = c
	return c, true
}

// drop removes a collection, and returns false where there is none.
func (s *Server) drop(namespace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.collections[namespace]
	delete(s.collections, namespace)
	return there
}

// names lists the collections of a database.
func (s *Server) names(database string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for namespace := range s.collections {
		if name, ok := strings.CutPrefix(namespace, database+"."); ok {
			names = append(names, name)
		}
	}
	return names
}

// databases lists the databases that have collections.
func (s *Server) databases() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	var names []string
	for namespace := range s.collections {
		name, _, _ := strings.Cut(namespace, ".")
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
