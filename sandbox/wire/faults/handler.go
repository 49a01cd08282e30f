package faults

import (
	"fmt"
	"io"
	"net/http"

	"vida/sandbox/control"
	"vida/sandbox/wire"
)

// Status is what a proxy with faults tells of itself.
type Status struct {
	Paused      bool    `json:"paused"`
	Connections int     `json:"connections"` // now
	Fired       int     `json:"fired"`       // of all rules
	Rules       []Count `json:"rules"`
}

// Handler reads and changes an injector and the proxy that it works in. Every request is answered with the
// [Status] as JSON.
//
//	GET  /        what the rules have seen
//	PUT  /rules   a file of rules replaces those there are; the counts begin anew
//	POST /pause   every connection is reset, and so is each new one, as if the server were unplugged
//	POST /resume  ends a pause
//	POST /reset   every connection is reset once
func Handler(injector *Injector, proxy *wire.Proxy) http.Handler {
	mux := http.NewServeMux()
	tell := func(w http.ResponseWriter) {
		control.WriteJSON(w, Status{
			Paused: proxy.Paused(), Connections: proxy.Connections(),
			Fired: injector.Fired(""), Rules: injector.Counts(),
		})
	}
	does := func(pattern string, do func()) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			do()
			tell(w)
		})
	}
	does("GET /{$}", func() {})
	does("POST /pause", proxy.Pause)
	does("POST /resume", proxy.Resume)
	does("POST /reset", proxy.Reset)
	mux.HandleFunc("PUT /rules", func(w http.ResponseWriter, r *http.Request) {
		source, err := io.ReadAll(http.MaxBytesReader(w, r.Body, control.MostBytes))
		if err == nil {
			err = injector.Load(source)
		}
		if err != nil {
			http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
			return
		}
		tell(w)
	})
	return mux
}
