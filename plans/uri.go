package plans

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"
)

// address is what a plan's checks need of a connection string. It holds no secret.
type address struct {
	srv      bool
	hosts    []string // lower case, with ports, sorted
	database string   // from the path; empty when there is none
}

// uriProblem is what is wrong with a connection string. Neither text quotes any of it.
type uriProblem struct{ message, hint string }

const percentEncode = "percent-encode it: / is %2F, @ is %40, : is %3A, ? is %3F, # is %23, % is %25"

// parseURI reads a connection string without asking the network, which the driver's own parser does for
// mongodb+srv.
func parseURI(uri string) (address, *uriProblem) {
	if strings.TrimSpace(uri) != uri {
		return address{}, &uriProblem{"begins or ends with a blank or a line end", ""}
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme != "mongodb" && scheme != "mongodb+srv" {
		return address{}, schemeProblem(uri)
	}
	a := address{srv: scheme == "mongodb+srv"}
	head, options, slash := strings.Cut(rest, "/?")
	if !slash {
		head, options, _ = strings.Cut(rest, "?")
	}
	at := strings.LastIndexByte(head, '@')
	if at < 0 && strings.Contains(options, "@") {
		if _, err := parseHosts(head, a.srv); err != nil {
			return a, &uriProblem{"has an unescaped ? in the user name or password", percentEncode}
		}
		return a, &uriProblem{"has an unescaped @ in its options", "write %40 for @"}
	}
	credentials := ""
	if at >= 0 {
		credentials = head[:at+1]
		if problem := checkCredentials(head[:at]); problem != nil {
			return a, problem
		}
	}
	hosts, path, hasPath := strings.Cut(head[at+1:], "/")
	if options != "" && !slash && !hasPath {
		return a, &uriProblem{"needs a / before the ? of its options", ""}
	}
	var err error
	if a.hosts, err = parseHosts(hosts, a.srv); err != nil {
		return a, &uriProblem{err.Error(), ""}
	}
	if a.database, err = url.PathUnescape(path); err != nil {
		return a, &uriProblem{"has a % in the database that two hexadecimal digits do not follow", percentEncode}
	}
	if a.database != "" && checkDatabase(a.database) != "" {
		return a, &uriProblem{"names a database in its path that cannot be one: " + checkDatabase(a.database), ""}
	}
	return a, checkOptions(a, credentials, options)
}

// schemeProblem says what was given in place of a connection string of MongoDB's.
func schemeProblem(uri string) *uriProblem {
	switch {
	case strings.HasPrefix(uri, "AccountEndpoint="):
		return &uriProblem{"is that of a Cosmos DB account for NoSQL, which vida cannot read",
			"an account for MongoDB has one that begins with mongodb://, under Settings, Connection strings"}
	case strings.HasPrefix(uri, `"`), strings.HasPrefix(uri, "'"):
		return &uriProblem{"must begin with mongodb:// or mongodb+srv://", "leave out the quotes around it"}
	}
	return &uriProblem{"must begin with mongodb:// or mongodb+srv://", ""}
}

// checkCredentials finds what must be percent-encoded in user:password.
func checkCredentials(s string) *uriProblem {
	user, password, _ := strings.Cut(s, ":")
	for _, part := range []struct{ name, text string }{{"user name", user}, {"password", password}} {
		if strings.HasPrefix(part.text, "<") && strings.HasSuffix(part.text, ">") {
			return &uriProblem{"still has a placeholder in <> for the " + part.name, "put the " + part.name + " there"}
		}
		if i := strings.IndexAny(part.text, "/@:?#[]"); i >= 0 {
			return &uriProblem{"has an unescaped " + part.text[i:i+1] + " in the " + part.name, percentEncode}
		}
		if _, err := url.PathUnescape(part.text); err != nil {
			return &uriProblem{"has a % in the " + part.name + " that two hexadecimal digits do not follow", percentEncode}
		}
	}
	if user == "" {
		return &uriProblem{"has an @ without a user name before it", ""}
	}
	return nil
}

// hostPattern is a host name, or an address in brackets.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.%A-Za-z]+\])$`)

func parseHosts(s string, srv bool) ([]string, error) {
	var hosts []string
	for host := range strings.SplitSeq(s, ",") {
		if strings.HasSuffix(host, ".sock") {
			hosts = append(hosts, host)
			continue
		}
		name, port := host, "27017"
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
			name, port = host[:i], host[i+1:]
			if srv {
				return nil, errors.New("has a port, which a mongodb+srv:// URI cannot have")
			}
		}
		if name == "" {
			return nil, errors.New("has no host, or an empty one")
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("has a port that is not a number from 1 to 65535")
		}
		if !hostPattern.MatchString(name) {
			return nil, errors.New("has a host that cannot be one")
		}
		hosts = append(hosts, net.JoinHostPort(strings.ToLower(strings.Trim(name, "[]")), port))
	}
	if srv && len(hosts) > 1 {
		return nil, errors.New("has several hosts, where a mongodb+srv:// URI has one")
	}
	slices.Sort(hosts)
	return hosts, nil
}

// checkDatabase says what is wrong with a database's name, or "".
func checkDatabase(name string) string {
	switch {
	case strings.ContainsAny(name, "/\\. \"$\x00"):
		return `it holds one of / \ . " $ or a blank`
	case len(name) > 63:
		return "it has more than 63 bytes"
	}
	return ""
}

// checkOptions has the driver judge the options. It is shown stand-ins for the credentials, so that no
// error can quote them, and never a mongodb+srv URI, which it would look up.
func checkOptions(a address, credentials, options string) *uriProblem {
	var kept []string
	for option := range strings.SplitSeq(options, "&") {
		name, _, hasValue := strings.Cut(option, "=")
		lower := strings.ToLower(name)
		switch {
		case option == "":
		case !hasValue:
			return &uriProblem{"has an option without a value", "options are written ?name=value&name=value"}
		case lower == "authmechanismproperties":
			return nil // may hold secrets, and says what authMechanism needs
		case strings.Contains(lower, "password"), a.srv && strings.HasPrefix(lower, "srv"):
		default:
			kept = append(kept, option)
		}
	}
	stand := "mongodb://"
	switch {
	case strings.Contains(credentials, ":"):
		stand += "user:password@"
	case credentials != "":
		stand += "user@"
	}
	hosts := slices.Clone(a.hosts)
	for i, host := range hosts {
		if strings.HasSuffix(host, ".sock") {
			hosts[i] = "localhost"
		}
	}
	stand += strings.Join(hosts, ",") + "/" + url.PathEscape(a.database) + "?" + strings.Join(kept, "&")
	if _, err := connstring.ParseAndValidate(stand); err != nil {
		message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error parsing uri: "), "error validating uri: ")
		return &uriProblem{"is refused by the driver: " + message, ""}
	}
	return nil
}
