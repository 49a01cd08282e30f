package cosmos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A change is a few numbers.
const mostChangeBytes = 64 << 10

// StatsURL is where GET tells the [Statistics] as JSON, and POST takes a [Change] and tells them too.
func (d *Double) StatsURL() string { return "http://" + d.statsAt + "/" }

func (d *Double) serveStatistics(ctx context.Context, listen string) error {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	d.statsAt = listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { d.writeStatistics(w) })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if err := d.readChange(http.MaxBytesReader(w, r.Body, mostChangeBytes)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.writeStatistics(w)
	})
	d.stats = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	d.serving.Go(func() { _ = d.stats.Serve(listener) }) // ends when it is closed, which is no failure
	d.serving.Go(func() {
		<-ctx.Done()
		_ = d.stats.Close() // drops the listener and the connections
	})
	return nil
}

func (d *Double) writeStatistics(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(d.Statistics()) // fails only where the client has gone
}

func (d *Double) readChange(body io.Reader) error {
	var change Change
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&change); err != nil {
		return fmt.Errorf("the change: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the change: more than one object")
	}
	return d.Apply(change)
}
