package plans

import (
	"slices"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	tests := []struct {
		uri      string
		hosts    []string
		database string
	}{
		{"mongodb://h", []string{"h:27017"}, ""},
		{"mongodb://H:1,b:2,[::1]:3,[fe80::1]/", []string{"[::1]:3", "[fe80::1]:27017", "b:2", "h:1"}, ""},
		{"mongodb://h/shop", []string{"h:27017"}, "shop"},
		{"mongodb://h/my-shop_1?retryWrites=false", []string{"h:27017"}, "my-shop_1"},
		{"mongodb://u:p%2F%40%3A@h:1/d?authSource=admin", []string{"h:1"}, "d"},
		{"mongodb://u@h/?authMechanism=MONGODB-X509", []string{"h:27017"}, ""},
		{"mongodb://%2Ftmp%2Fmongodb-27017.sock/d", []string{"%2Ftmp%2Fmongodb-27017.sock"}, "d"},
		{"mongodb+srv://u:p@c.example.net/d?srvMaxHosts=2&w=majority", []string{"c.example.net:27017"}, "d"},
		{"mongodb://acct:a2V5==@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@",
			[]string{"acct.mongo.cosmos.azure.com:10255"}, ""},
		{"mongodb://u:p@h/?tlsCertificateKeyFile=/a/b.pem&tlsCertificateKeyFilePassword=x", []string{"h:27017"}, ""},
		{"mongodb://u:p@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:x", []string{"h:27017"}, ""},
	}
	for _, test := range tests {
		got, problem := parseURI(test.uri)
		if problem != nil {
			t.Errorf("%s: %v", test.uri, problem)
		} else if !slices.Equal(got.hosts, test.hosts) || got.database != test.database {
			t.Errorf("%s: %+v", test.uri, got)
		}
	}
}

// What is wrong must be told without telling any of the string.
func TestParseURIMistakes(t *testing.T) {
	tests := map[string]string{
		"":                      "must begin with",
		"mongodb://u:hush@h/\r": "line end",
		"hush":                  "must begin with",
		"MONGODB://hush":        "must begin with",
		"mongodb:/hush":         "must begin with",
		"'mongodb://hush@h/'":   "must begin with",
		"AccountEndpoint=https://h:443/;AccountKey=hush;": "that of a Cosmos DB account for NoSQL",
		"mongodb://hush:<password>@h/":                    "placeholder in <> for the password",
		"mongodb://u:hu/sh@h/":                            "unescaped / in the password",
		"mongodb://u:hu/?sh@h/":                           "unescaped ? in the user name or password",
		"mongodb://u:hush/@h/?appName=@x@":                "unescaped / in the password",
		"mongodb://hu/sh:p@h/":                            "unescaped / in the user name",
		"mongodb://me@hush.com:p@h/":                      "unescaped @ in the user name",
		"mongodb://u:hush@@h/":                            "unescaped @ in the password",
		"mongodb://u:hush:x@h/":                           "unescaped : in the password",
		"mongodb://u:hush#x@h/":                           "unescaped # in the password",
		"mongodb://u:hush?x@h/d":                          "unescaped ?",
		"mongodb://u:hush%@h/":                            "hexadecimal",
		"mongodb://hush%zz:p@h/":                          "hexadecimal",
		"mongodb://:hush@h/":                              "without a user name",
		"mongodb://u:hush@":                               "no host",
		"mongodb://u:hush@h:0/":                           "port",
		"mongodb://u:hush@h:99999/":                       "port",
		"mongodb://u:hush@h!/":                            "host that cannot be one",
		"mongodb://u:hush@h/a%2Fb":                        "cannot be",
		"mongodb://u:hush@h/%zz":                          "hexadecimal",
		"mongodb://u:hush@h?w=1":                          "needs a /",
		"mongodb://u:hush@h/?w=0&journal=true":            "refused by the driver",
		"mongodb://u:hush@h/?directConnection=perhaps":    "refused by the driver",
		"mongodb+srv://u:hush@h.example.net:1/":           "port",
		"mongodb+srv://u:hush@a.b.c,d.e.f/":               "several hosts",
	}
	for uri, want := range tests {
		_, problem := parseURI(uri)
		if problem == nil {
			t.Errorf("%s passes", uri)
		} else if !strings.Contains(problem.message, want) || strings.Contains(problem.message+problem.hint, "hush") {
			t.Errorf("%s: %q, %q; want %q", uri, problem.message, problem.hint, want)
		}
	}
}
