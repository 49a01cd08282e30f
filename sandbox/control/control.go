// Package control serves the HTTP endpoints by which a running part of the sandbox is read and changed.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// MostBytes is how large a request's body may be: a change is a few numbers, a file of rules a few pages.
const MostBytes = 1 << 20

// Endpoint is an HTTP server that runs until it is closed.
type Endpoint struct {
	server  *http.Server
	address string
	running sync.WaitGroup
}

// Listen starts an endpoint; an empty address stands for a free port of 127.0.0.1.
func Listen(ctx context.Context, address string, handler http.Handler) (*Endpoint, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	e := &Endpoint{
		server:  &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
		address: listener.Addr().String(),
	}
	e.running.Go(func() { _ = e.server.Serve(listener) }) // ends when it is closed, which is no failure
	return e, nil
}

// URL is where the endpoint is, with a slash at its end.
func (e *Endpoint) URL() string { return "http://" + e.address + "/" }

// Close drops the listener and the connections, and returns when nothing of the endpoint runs any more.
func (e *Endpoint) Close() error {
	err := e.server.Close()
	e.running.Wait()
	return err
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // fails only where the client has gone
}

// ReadJSON reads one object into value, and is strict about its fields.
func ReadJSON(w http.ResponseWriter, r *http.Request, value any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, MostBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one object")
	}
	return nil
}
