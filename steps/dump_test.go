package steps

import (
	"testing"

	"vida/endpoint"
)

// Neither engine of the end-to-end tests has views.
func TestAViewIsNotDumped(t *testing.T) {
	for kind, want := range map[string]string{
		"collection": "",
		"view":       "shop.seen is a view, which cannot be dumped: leave it out",
		"timeseries": "shop.seen is a timeseries, which cannot be dumped: leave it out",
	} {
		got := ""
		if err := undumpable("shop.seen", endpoint.Collection{Name: "seen", Type: kind}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
