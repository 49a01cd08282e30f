package cli

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// address is a connection string in its parts, none of which is unescaped or checked.
type address struct {
	user     string // and password; empty for none
	hosts    string
	database string
	options  []string
}

// splitAddress takes a connection string apart that a proxy can stand before: it speaks plain TCP to one host.
func splitAddress(uri string) (address, error) {
	var a address
	rest, plain := strings.CutPrefix(uri, "mongodb://")
	if !plain {
		return a, errors.New("a proxy needs a mongodb:// URI with the server's host and port; mongodb+srv:// it cannot look up")
	}
	beforeOptions, options, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(beforeOptions, '@'); at >= 0 {
		a.user, beforeOptions = beforeOptions[:at], beforeOptions[at+1:]
	}
	a.hosts, a.database, _ = strings.Cut(beforeOptions, "/")
	for option := range strings.SplitSeq(options, "&") {
		name, value, _ := strings.Cut(option, "=")
		if on, _ := url.QueryUnescape(value); (strings.EqualFold(name, "tls") || strings.EqualFold(name, "ssl")) && on != "false" {
			return a, errors.New("a proxy does not speak TLS to the server behind it: give the URI of one without, such as the near end of a tunnel")
		}
		if option != "" {
			a.options = append(a.options, option)
		}
	}
	return a, nil
}

// behind is the connection string for clients of a proxy at host that forwards to this server: all but what
// names the server's own replica set stays.
func (a address) behind(host string) address {
	a.hosts = host
	a.options = slices.DeleteFunc(slices.Clone(a.options), func(option string) bool {
		name, _, _ := strings.Cut(option, "=")
		return strings.EqualFold(name, "replicaSet")
	})
	return a
}

func (a address) String() string {
	uri := "mongodb://"
	if a.user != "" {
		uri += a.user + "@"
	}
	uri += a.hosts + "/" + a.database
	if len(a.options) > 0 {
		uri += "?" + strings.Join(a.options, "&")
	}
	return uri
}
