package endpoint

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/mongo/options"
)

func TestScrub(t *testing.T) {
	tests := []struct{ name, uri, text, want string }{
		{"as it stands", "mongodb://user:p%40ssword@host/", "bad p%40ssword", "bad ***"},
		{"decoded", "mongodb://user:p%40ssword@host/", "bad p@ssword at host", "bad *** at host"},
		{"quoted", `mongodb://user:p%22ass%5Cword@host/`, `bad "p\"ass\\word"`, `bad "***"`},
		{"the whole uri", "mongodb://user:p%40ssword@host/", "mongodb://user:p%40ssword@host/: no", "mongodb://user:***@host/: no"},
		{"a plus", "mongodb://user:pass+word@host/", "bad pass word or pass+word", "bad *** or ***"},
		{"unescaped slash", "mongodb://user:pa55/w0rd@host/", `invalid port "pa55", path w0rd`, `invalid port "***", path ***`},
		{"unescaped at", "mongodb://user:pa55@w0rd==@host/?ssl=true", `invalid host "w0rd=="`, `invalid host "***"`},
		{"unescaped question mark", "mongodb://user:pa55?w0rd@host/", `invalid option "w0rd"`, `invalid option "***"`},
		{"not a uri", "user:pa55word@host", "pa55word", "***"},
		{"no credentials", "mongodb://host/?appName=@acct@", "appName host acct", "appName host acct"},
		{"app name of cosmos", "mongodb://acct:k3y==@acct.mongo.cosmos.azure.com:10255/?ssl=true&appName=@acct@", "acct.mongo.cosmos.azure.com k3y==", "acct.mongo.cosmos.azure.com ***"},
		{"user only", "mongodb://user@host/", "user at host", "user at host"},
		{"short, alone", "mongodb://user:ab@host/", `password "ab" is not in about`, `password "***" is not in about`},
		{"options", "mongodb://host/?tlsCertificateKeyFilePassword=keypass&authMechanismProperties=AWS_SESSION_TOKEN:t0ken", "keypass t0ken", "*** ***"},
		{"empty", "", "text", "text"},
		{"empty password", "mongodb://user:@host/", "text: x", "text: x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Scrub(test.text, test.uri); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Whatever the driver says about a connection string, the password is not in what is shown of it.
func FuzzDiagnoseKeepsSecrets(f *testing.F) {
	for _, seed := range []string{"pa55word", "pa/55", "p@ss", "a:b@c/d?e", "k3y+/==", "%zz1234", "100%", "ab cd", "p?w=1&x", "[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, password string) {
		if len(password) < 4 || strings.ContainsAny(password, "\x00\r\n") {
			t.Skip()
		}
		for _, written := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
			uri := fmt.Sprintf("mongodb://u:%s@h:1/?w=x", written)
			err := options.Client().ApplyURI(uri).Validate()
			if err == nil {
				continue
			}
			if shown := errors.Unwrap(Diagnose(err, uri)); strings.Contains(Scrub(shown.Error(), uri), password) {
				t.Errorf("the secret %q of %q is in %q", password, uri, Scrub(shown.Error(), uri))
			}
		}
	})
}
