package cosmos

import (
	"fmt"
	"net/http"

	"vida/sandbox/control"
)

// StatsURL is where GET tells the [Statistics] as JSON, and POST takes a [Change] and tells them too.
func (d *Double) StatsURL() string { return d.stats.URL() }

func (d *Double) statsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { control.WriteJSON(w, d.Statistics()) })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		var change Change
		err := control.ReadJSON(w, r, &change)
		if err == nil {
			err = d.Apply(change)
		}
		if err != nil {
			http.Error(w, fmt.Sprintf("the change: %v", err), http.StatusBadRequest)
			return
		}
		control.WriteJSON(w, d.Statistics())
	})
	return mux
}
