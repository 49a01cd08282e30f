package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// ConnectError says why a connection cannot be used, and what to do about it. Its texts are lower case, one
// line each, and free of secrets; what it wraps is not.
type ConnectError struct {
	Connection string // its name in the plan; empty where it is not known
	Problem    string
	Hint       string // what to do; may be empty
	Err        error
}

// Error is "connection NAME: PROBLEM (HINT)".
func (e *ConnectError) Error() string {
	text := e.Problem
	if e.Connection != "" {
		text = "connection " + e.Connection + ": " + text
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap returns the driver's own error.
func (e *ConnectError) Unwrap() error { return e.Err }

// finding is what is wrong and what to do about it.
type finding struct{ problem, hint string }

// Diagnose turns an error of opening or first using a connection into a [*ConnectError] that names the
// mistake and what to do. The secrets of uri are in none of its texts, also when uri cannot be parsed.
// nil stays nil, and so does an interruption by the caller.
func Diagnose(err error, uri string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var known *ConnectError
	if errors.As(err, &known) {
		return err
	}
	found, ok := diagnoseURI(err, uri)
	if !ok {
		found, ok = diagnoseServers(err, uri)
	}
	if !ok {
		found.problem = shorten(err.Error())
	}
	return &ConnectError{Problem: Scrub(oneLine(found.problem), uri), Hint: Scrub(found.hint, uri), Err: err}
}

// diagnoseServers looks at what went wrong with each server: the driver reports that it found none that
// suits, and keeps the reasons in its description of the servers.
func diagnoseServers(err error, uri string) (finding, bool) {
	var selection topology.ServerSelectionError
	if !errors.As(err, &selection) {
		if errors.Is(err, context.DeadlineExceeded) {
			return finding{
				fmt.Sprintf("%s takes connections, but does not answer in time", cmp.Or(addressOf(err), uriHosts(uri))),
				"is it overloaded? or does something stand in between that is no MongoDB server?",
			}, true
		}
		return diagnoseOne(err, addressOf(err), uri)
	}
	const most = 3 // of a cluster's servers, enough to see what they have in common
	var problems []string
	var first finding
	for _, server := range selection.Desc.Servers {
		if server.LastError == nil {
			continue
		}
		found, ok := diagnoseOne(server.LastError, string(server.Addr), uri)
		if !ok {
			found.problem = fmt.Sprintf("cannot use %s: %s", server.Addr, shorten(server.LastError.Error()))
		}
		if slices.Contains(problems, found.problem) {
			continue
		}
		if len(problems) == 0 {
			first = found
		} else if first.hint == "" {
			first.hint = found.hint
		}
		if problems = append(problems, found.problem); len(problems) == most {
			break
		}
	}
	if len(problems) > 0 {
		return finding{strings.Join(problems, "; "), first.hint}, true
	}
	if name := uriOption(uri, "replicaSet"); name != "" && len(selection.Desc.Servers) == 0 {
		return finding{
			fmt.Sprintf("no server of %s belongs to the replica set %q", uriHosts(uri), name),
			"correct the option replicaSet of the URI, or leave it out; Cosmos DB's is globaldb",
		}, true
	}
	if slices.ContainsFunc(selection.Desc.Servers, func(s description.Server) bool { return s.Kind != description.Unknown }) {
		return finding{
			fmt.Sprintf("%s answers, but has no server that can be used now: %s", uriHosts(uri), selection.Desc.Kind),
			"wait for the cluster to elect a primary; for one member of a replica set add directConnection=true",
		}, true
	}
	// Its time was over before a first attempt was.
	return diagnoseNetwork(err, "", uri)
}

// diagnoseOne says what went wrong with the server at address.
func diagnoseOne(err error, address, uri string) (finding, bool) {
	for _, look := range []func(error, string, string) (finding, bool){
		diagnoseWireVersion, diagnoseAnswer, diagnoseTLS, diagnoseName, diagnoseNetwork,
	} {
		if found, ok := look(err, address, uri); ok {
			return found, true
		}
	}
	return finding{}, false
}

// addressOf returns the server that an error is about, as the driver names it in its connection ids.
func addressOf(err error) string {
	var connection topology.ConnectionError
	if errors.As(err, &connection) {
		address, _, _ := strings.Cut(connection.ConnectionID, "[-")
		return address
	}
	return ""
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
