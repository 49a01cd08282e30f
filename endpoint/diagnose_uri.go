package endpoint

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

const percentEncoding = "percent-encode the user name and the password: / is %2F, @ is %40, : is %3A, % is %25"

// uriMistakes are the driver's complaints about a connection string, and what they mean.
var uriMistakes = []struct{ text, problem, hint string }{
	{"unescaped slash in password", "the password in the URI holds an unescaped /", percentEncoding},
	{"unescaped colon in password", "the password in the URI holds an unescaped :", percentEncoding},
	{"unescaped @ sign in user info", "the password in the URI holds an unescaped @", percentEncoding},
	{"unescaped slash in username", "the user name in the URI holds an unescaped /, or the password an unescaped @", percentEncoding},
	{"invalid username", "the user name in the URI holds a % that two hexadecimal digits do not follow", percentEncoding},
	{"invalid password", "the password in the URI holds a % that two hexadecimal digits do not follow", percentEncoding},
	{`scheme must be "mongodb" or "mongodb+srv"`, "the URI does not begin with mongodb:// or mongodb+srv://",
		"copy it whole, as the portal or Atlas shows it for a driver, without quotes or blanks around it"},
	{"must have at least 1 host", "the URI names no host", "it is written mongodb://USER:PASSWORD@HOST:PORT/?OPTIONS"},
	{"port must be", "the port in the URI is not a number from 1 to 65535",
		"is the host written HOST:PORT? where it holds part of a password, " + percentEncoding},
	{"invalid host", "the host in the URI cannot be one", percentEncoding},
	{"must have a / before the query ?", "the URI lacks a / before the ? of its options", "it is written mongodb://HOST/?OPTIONS"},
	{"must have a ? separator", "the URI lacks a ? before its options", "it is written mongodb://HOST/DATABASE?OPTIONS"},
	{"must have a / separator", "the URI lacks a / after its hosts", "it is written mongodb://HOST/DATABASE?OPTIONS"},
	{"invalid database", "the database in the URI cannot be one", ""},
	{"srv must not include a port number", "the URI begins with mongodb+srv:// and gives a port", "leave the port out, or begin with mongodb://"},
	{"multiple records from TXT not supported", "the host of the URI has several TXT records in the DNS, where one may be",
		"write the URI out with mongodb:// and each host"},
	{"Invalid TXT record", "the host of the URI has a TXT record in the DNS that is not one of a MongoDB cluster",
		"is it the cluster's name as Atlas shows it? else write the URI out with mongodb:// and each host"},
	{"in TXT record", "the host of the URI has a TXT record in the DNS with an option that may not stand there",
		"is it the cluster's name as Atlas shows it? else write the URI out with mongodb:// and each host"},
	{"Domain suffix from SRV record", "the DNS leads the host of the URI to servers of another domain, which is not to be trusted",
		"is it the cluster's name as Atlas shows it? else write the URI out with mongodb:// and each host"},
	{"DNS name must contain at least", "the host of a mongodb+srv:// URI needs at least two dots", "copy it whole from Atlas"},
}

// diagnoseURI tells what is wrong with a connection string, or with the DNS records that a mongodb+srv one
// names: the driver looks these up while it parses.
func diagnoseURI(err error, uri string) (finding, bool) {
	text := err.Error()
	rest, parsing := strings.CutPrefix(text, "error parsing uri: ")
	rest, validating := strings.CutPrefix(rest, "error validating uri: ")
	var dns *net.DNSError
	if strings.HasPrefix(uri, "mongodb+srv://") && errors.As(err, &dns) && (parsing || strings.HasPrefix(dns.Name, "_")) {
		return diagnoseSRV(dns, uri), true
	}
	if !parsing && !validating {
		return finding{}, false
	}
	for _, known := range uriMistakes {
		if strings.Contains(rest, known.text) {
			return finding{known.problem, known.hint}, true
		}
	}
	return finding{"the URI is refused: " + shorten(rest), "correct that option of the URI, or leave it out"}, true
}

func diagnoseSRV(dns *net.DNSError, uri string) finding {
	host := uriHosts(uri)
	record := "_" + srvService(uri) + "._tcp." + host
	if dns.IsNotFound {
		return finding{
			"the DNS has no SRV record " + record,
			"check the host name; a mongodb+srv:// URI needs such a record, as Atlas makes it: for a plain host write mongodb://" + host,
		}
	}
	return finding{
		"the SRV record " + record + " cannot be looked up: " + dns.Err,
		"check this machine's DNS; where it cannot look up SRV records, take the URI that begins with mongodb:// and names each host",
	}
}

// uriHosts returns the hosts of a connection string as it writes them, without what stands before them.
func uriHosts(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	head, _, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(head, '@'); at >= 0 {
		head = head[at+1:]
	}
	head, _, _ = strings.Cut(head, "/")
	return head
}

// uriOption returns an option's value, or "". Names are compared as the driver does, without case.
func uriOption(uri, name string) string {
	_, query, _ := strings.Cut(uri, "?")
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(key, name) {
			if clean, err := url.PathUnescape(value); err == nil {
				return clean
			}
			return value
		}
	}
	return ""
}
