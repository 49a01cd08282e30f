package endpoint

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/x/mongo/driver/auth"
)

// Codes of refused logins.
const (
	codeBadValue             = 2
	codeAuthenticationFailed = 18
	codeMechanismUnavailable = 334
	codeAtlas                = 8000 // Atlas's proxy, for whatever it refuses itself
)

// The driver says this in words only.
var wireVersionPattern = regexp.MustCompile(`server at (\S+) (reports|requires) wire version (\d+)`)

// diagnoseWireVersion knows servers that are too old or too new for the driver.
func diagnoseWireVersion(err error, _, _ string) (finding, bool) {
	match := wireVersionPattern.FindStringSubmatch(err.Error())
	if match == nil {
		return finding{}, false
	}
	if match[2] == "requires" {
		return finding{
			fmt.Sprintf("the server at %s is too new: it wants wire version %s at least", match[1], match[3]),
			"use a newer vida",
		}, true
	}
	return finding{
		fmt.Sprintf("the server at %s is too old: it speaks wire version %s, and vida needs 6", match[1], match[3]),
		"upgrade a Cosmos DB account to server version 3.6 or later under Settings > Features in the Azure portal, or MongoDB to 3.6",
	}, true
}

// diagnoseAnswer knows what servers say to a login or to a first command.
func diagnoseAnswer(err error, address, uri string) (finding, bool) {
	code, message := Code(err), strings.ToLower(err.Error())
	var login *auth.Error
	failed := errors.As(err, &login)
	at := ""
	if address != "" {
		at = address + ": "
	}
	switch {
	case strings.Contains(message, "firewall settings"):
		return finding{at + "the account's firewall lets nobody in from here: " + answer(err),
			"let this machine's address in under Networking in the Azure portal; that takes some minutes"}, true
	case code == codeAuthenticationFailed, code == codeAtlas && strings.Contains(message, "auth"):
		return finding{at + "the server refused the user name or the password", loginHint(address, uri)}, true
	case code == CodeUnauthorized && !failed:
		return finding{at + "the user may not do this: " + answer(err),
			"give the URI a user, or give its user a role: read on the source's database, readWrite on the target's"}, true
	case code == codeBadValue && strings.Contains(message, "retryable writes are not supported"):
		return finding{at + "the server refuses retryable writes, as Cosmos DB does", "add retrywrites=false to the URI"}, true
	case code == codeMechanismUnavailable, failed && strings.Contains(message, "mechanism") && code != 0:
		return finding{at + "the server does not offer this way to log in: " + answer(err), "set authMechanism in the URI to one that it offers, such as SCRAM-SHA-256"}, true
	case failed && code != 0:
		return finding{at + "the server refused the login: " + answer(err), loginHint(address, uri)}, true
	case failed && login.Unwrap() == nil:
		return finding{at + "the login failed: " + login.Message(), loginHint(address, uri)}, true
	}
	return finding{}, false
}

func loginHint(address, uri string) string {
	switch {
	case isCosmos(address, uri):
		return "take the connection string of the account from the Azure portal again: its key may have been regenerated; " + percentEncoding
	case isAtlas(address, uri):
		return "check the database user in Atlas under Database Access, which is not the user of the Atlas web site; " + percentEncoding
	}
	return "check both, and authSource, the database that holds the user: admin unless the URI names one; " + percentEncoding
}

// answer is what the server said, without the driver's words around it.
func answer(err error) string {
	var own *CommandError
	if errors.As(err, &own) {
		return shorten(own.Message)
	}
	return lastPart(err)
}
