package endpoint

import (
	"context"
	"net"
	"strings"
	"time"
)

// lookUpSRV looks up the record that a mongodb+srv URI names. The driver does it again, but without a context
// that could end it: with this in front, a DNS that keeps silent is left in time.
func lookUpSRV(ctx context.Context, uri string) error {
	host := uriHosts(uri)
	if !strings.HasPrefix(uri, "mongodb+srv://") || strings.ContainsAny(host, ":,") {
		return nil // or what the driver refuses in better words
	}
	ctx, cancel := context.WithTimeout(ctx, selectionTimeout(uri))
	defer cancel()
	_, _, err := net.DefaultResolver.LookupSRV(ctx, srvService(uri), "tcp", host)
	return err
}

func srvService(uri string) string {
	if name := uriOption(uri, "srvServiceName"); name != "" {
		return name
	}
	return "mongodb"
}

// selectionTimeout is the server-selection time-out of a URI that may not be parsed yet.
func selectionTimeout(uri string) time.Duration {
	if given, err := time.ParseDuration(uriOption(uri, "serverSelectionTimeoutMS") + "ms"); err == nil && given > 0 {
		return given
	}
	return defaultSelectionTimeout
}
