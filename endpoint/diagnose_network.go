package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// diagnoseTLS knows the ways in which agreeing on TLS fails.
func diagnoseTLS(err error, address, uri string) (finding, bool) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return finding{
			fmt.Sprintf("%s shows a certificate of an authority that this machine does not know", address),
			"give the authority's file with tlsCAFile=PATH in the URI; is that really the server, and not a proxy in between?",
		}, true
	case errors.As(err, &name):
		return finding{
			fmt.Sprintf("%s shows a certificate that is not for this name: %s", address, shorten(name.Error())),
			"name the host as its certificate does",
		}, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return finding{fmt.Sprintf("%s shows a certificate that has expired or is not valid yet", address), "check this machine's clock, and renew the server's certificate"}, true
	case errors.As(err, &invalid):
		return finding{fmt.Sprintf("%s shows a certificate that is not valid: %s", address, shorten(invalid.Error())), ""}, true
	case errors.As(err, &plain):
		return finding{fmt.Sprintf("%s does not speak TLS", address), "take tls=true (or ssl=true) out of the URI, or check the port"}, true
	case brokenOff(err):
		// Atlas ends the handshake with an internal error for an address that is not on its list.
		hint := "the server may want a client certificate (tlsCertificateKeyFile=PATH), or another version of TLS"
		if isAtlas(address, uri) {
			hint = "is this machine's address on the IP access list of the Atlas project?"
		}
		return finding{fmt.Sprintf("%s broke off the TLS handshake: %s", address, lastPart(err)), hint}, true
	case strings.Contains(err.Error(), "x509:"):
		return finding{fmt.Sprintf("%s shows a certificate that is refused: %s", address, lastPart(err)), ""}, true
	}
	return finding{}, false
}

// brokenOff tells whether the server ended the TLS handshake with an alert.
func brokenOff(err error) bool {
	var alert tls.AlertError
	return errors.As(err, &alert) || err != nil && strings.Contains(err.Error(), "remote error: tls:")
}

// diagnoseName knows hosts that the DNS does not.
func diagnoseName(err error, address, _ string) (finding, bool) {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return finding{}, false
	}
	host := dns.Name
	if host == "" {
		host = address
	}
	if dns.IsNotFound {
		return finding{
			fmt.Sprintf("cannot reach %s: there is no such host", host),
			"check the host name in the URI, and whether this machine needs a VPN or a private DNS to know it",
		}, true
	}
	return finding{
		fmt.Sprintf("cannot reach %s: its name cannot be looked up: %s", host, dns.Err),
		"check this machine's DNS and network",
	}, true
}

// diagnoseNetwork knows the ways in which a connection is not made, or breaks.
func diagnoseNetwork(err error, address, uri string) (finding, bool) {
	var network net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return finding{
			fmt.Sprintf("cannot reach %s: connection refused", address),
			"nothing listens there: check host and port, and whether the server runs",
		}, true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return finding{fmt.Sprintf("cannot reach %s: there is no route to it", address), "check this machine's network, VPN and firewall"}, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return finding{fmt.Sprintf("%s closed the connection without an answer", address), closedHint(address, uri)}, true
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, topology.ErrServerSelectionTimeout):
		if address == "" {
			address = uriHosts(uri)
		}
		return finding{fmt.Sprintf("cannot reach %s: no answer in time", address), silenceHint(address, uri)}, true
	}
	return finding{}, false
}

func closedHint(address, uri string) string {
	switch {
	case isCosmos(address, uri) && !usesTLS(uri):
		return "Cosmos DB needs ssl=true in the URI"
	case isAtlas(address, uri):
		return "is this machine's address on the IP access list of the Atlas project?"
	case usesTLS(uri):
		return "the server may not speak TLS: take tls=true (or ssl=true) out of the URI, or check the port"
	}
	return "the server may want TLS: add tls=true to the URI; or check that it is a MongoDB server's port"
}

func silenceHint(address, uri string) string {
	switch {
	case isCosmos(address, uri):
		return "a firewall may be in between: let this machine's address in under Networking in the Azure portal, and port 10255 (RU) or 10260 (vCore) out"
	case isAtlas(address, uri):
		return "a firewall may be in between: add this machine's address to the IP access list of the Atlas project, and let port 27017 out"
	}
	hint := "a firewall may be in between: check host and port, and the server's IP allow list"
	if usesTLS(uri) {
		hint += "; or the server does not speak TLS: then take tls=true (or ssl=true) out of the URI"
	}
	return hint
}

func usesTLS(uri string) bool {
	tls := uriOption(uri, "tls")
	if tls == "" {
		tls = uriOption(uri, "ssl")
	}
	return tls == "true" || tls == "" && strings.HasPrefix(uri, "mongodb+srv://")
}

func isAtlas(address, uri string) bool {
	return strings.Contains(address, ".mongodb.net") || strings.Contains(uriHosts(uri), ".mongodb.net")
}

func isCosmos(address, uri string) bool {
	for _, domain := range []string{".cosmos.azure.com", ".documents.azure.com"} {
		if strings.Contains(address, domain) || strings.Contains(uriHosts(uri), domain) {
			return true
		}
	}
	return false
}

// lastPart is what the innermost error says, which the others only wrap.
func lastPart(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return shorten(err.Error())
}
