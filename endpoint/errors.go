package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// Codes that servers answer with and that vida acts on.
const (
	CodeUnauthorized         = 13
	CodeCursorNotFound       = 43
	CodeNamespaceExists      = 48
	CodeExceededTimeLimit    = 50
	CodeIndexOptionsConflict = 85
	CodeIndexKeySpecs        = 86
	CodeCommandNotFound      = 59
	CodeNamespaceNotFound    = 26
	CodeCursorKilled         = 237
	codeIndexBuildInProgress = 285
	codeInternalError        = 1
	CodeTooLarge             = 10334
	CodeDuplicateKey         = 11000
	CodeRequestRateTooLarge  = 16500
)

// CommandError is a command that the server refused as a whole.
type CommandError struct {
	Code    int32
	Name    string
	Message string
	Reply   bson.Raw
}

func (e *CommandError) Error() string {
	name := e.Name
	if name == "" {
		name = "code"
	}
	return fmt.Sprintf("%s (%s %d)", shorten(e.Message), name, e.Code)
}

// shorten keeps one entry of a log readable whatever a server puts into a message.
func shorten(message string) string {
	const most = 1000
	message = strings.TrimSpace(message)
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "…"
	}
	return message
}

// Code returns the server's error code, or 0 when err is not an answer of a server.
func Code(err error) int32 {
	var own *CommandError
	if errors.As(err, &own) {
		return own.Code
	}
	var fromClient mongo.CommandError
	if errors.As(err, &fromClient) {
		return fromClient.Code
	}
	var fromDriver driver.Error
	if errors.As(err, &fromDriver) {
		return fromDriver.Code
	}
	return 0
}

// refusal tells whether err is an answer of the server, and not the want of one.
func refusal(err error) bool {
	var own *CommandError
	var fromClient mongo.CommandError
	return errors.As(err, &own) || errors.As(err, &fromClient)
}

// passingCodes are answers that can be different in a moment: the server is moving, restarting or busy.
var passingCodes = map[int32]bool{
	6: true, 7: true, 89: true, 9001: true, // network between servers
	91: true, 189: true, 10107: true, 11600: true, 11602: true, 13435: true, 13436: true, // shutdown, not primary
	24: true, 46: true, 112: true, // locks and write conflicts
	64: true,                         // written, and not replicated in time
	50: true, 262: true, 11601: true, // time limits, interruptions
	63: true, 133: true, 134: true, 150: true, 13388: true, 234: true, // routing and read preference
	202: true, 317: true, 358: true, 384: true, 391: true, // too many operations, pool and budget limits
	CodeRequestRateTooLarge: true,
}

// Throttled tells whether the server refused for want of request units.
func Throttled(code int32, message string) bool {
	return code == CodeRequestRateTooLarge ||
		code == CodeExceededTimeLimit && strings.Contains(message, "rate limiting")
}

// Transient tells whether err can pass: the connection broke, the server is restarting, moving or throttling.
func Transient(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if behindGateway(err) {
		return true
	}
	if code := Code(err); code != 0 {
		return passingCodes[code] || code == CodeCursorNotFound || code == CodeCursorKilled
	}
	var text *CommandError
	if errors.As(err, &text) { // old servers and gateways refuse without a code
		message := strings.ToLower(text.Message)
		return strings.Contains(message, "not master") || strings.Contains(message, "not primary") ||
			strings.Contains(message, "node is recovering")
	}
	if permanentHandshake(err) {
		return false
	}
	var connection topology.ConnectionError
	var selection topology.ServerSelectionError
	var queue topology.WaitQueueTimeoutError
	var network net.Error
	var pool driver.RetryablePoolError // another operation's connection broke, and the pool began anew
	return errors.As(err, &pool) && pool.Retryable() || errors.As(err, &connection) || errors.As(err, &selection) || errors.As(err, &queue) ||
		errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, topology.ErrConnectionClosed) ||
		mongo.IsNetworkError(err) || mongo.IsTimeout(err)
}

// A gateway before PostgreSQL answers with an internal error where that is what cannot be reached.
var gatewayPattern = regexp.MustCompile(`too many clients already|(?i:connection refused)|the database system is (starting up|shutting down|in recovery)|terminating connection due to`)

// behindGateway tells whether a gateway could not reach the database behind it.
func behindGateway(err error) bool {
	return Code(err) == codeInternalError && gatewayPattern.MatchString(err.Error())
}

// permanentHandshake tells whether a connection failed in a way that waiting does not mend.
func permanentHandshake(err error) bool {
	text := err.Error()
	return strings.Contains(text, "auth error") || strings.Contains(text, "reports wire version") ||
		strings.Contains(text, "x509:")
}

var retryAfterPattern = regexp.MustCompile(`RetryAfterMs=(\d+)`)

// retryAfter is how long the server asked to wait; 0 when it did not say.
func retryAfter(message string) time.Duration {
	match := retryAfterPattern.FindStringSubmatch(message)
	if match == nil {
		return 0
	}
	ms, err := strconv.ParseInt(match[1], 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
