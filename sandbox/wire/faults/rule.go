package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// What a rule does when it fires.
const (
	ActionReset       = "reset"        // cut the connection; Applied: after the server has done the command
	ActionNoReply     = "no-reply"     // leave the client waiting; Applied as above
	ActionError       = "error"        // answer with Error; Applied as above
	ActionWriteErrors = "write-errors" // refuse the writes that Documents picks; the server does the others
	ActionDelay       = "delay"        // wait for Delay, then go on with the following rules
)

var actions = []string{ActionReset, ActionNoReply, ActionError, ActionWriteErrors, ActionDelay}

// Rule says which commands fail, and how. Its zero values mean "every command that matches, every time".
type Rule struct {
	Name      string `yaml:"name"`      // for Fired
	Command   string `yaml:"command"`   // such as insert or getMore; * for all but the handshake
	Namespace string `yaml:"namespace"` // "database.collection"; empty for all
	// Unacknowledged narrows it to commands that ask for no answer: no-reply then drops them without a trace.
	Unacknowledged bool      `yaml:"unacknowledged"`
	Skip           int       `yaml:"skip"`        // this many matching commands pass first
	Times          int       `yaml:"times"`       // fires at most this often; 0 for no end
	Probability    float64   `yaml:"probability"` // 0 or 1: always
	Action         string    `yaml:"action"`
	Applied        bool      `yaml:"applied"` // the server does the command before the client is told otherwise
	Delay          Duration  `yaml:"delay"`   // before the action
	Error          Error     `yaml:"error"`
	Documents      Documents `yaml:"documents"` // of write-errors
}

// Error is what the client is told. A code alone is enough where it is a known one.
type Error struct {
	Code    int32    `yaml:"code"`
	Name    string   `yaml:"name"`
	Message string   `yaml:"message"`
	Labels  []string `yaml:"labels"`
}

// Documents picks writes: each one that any of its conditions picks.
type Documents struct {
	Indexes    []int               `yaml:"indexes"`
	Share      float64             `yaml:"share"`       // of each command's writes, drawn by lot; 1 for all
	LargerThan int                 `yaml:"larger_than"` // bytes
	Field      string              `yaml:"field"`       // dotted path that must be there ...
	Equals     any                 `yaml:"equals"`      // ... and hold this string, number or boolean; nil for any value
	Match      func(bson.Raw) bool `yaml:"-"`           // for tests in Go
}

// Duration is written as Go writes durations: 250ms, 2s.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// known are errors that servers answer, by code.
var known = map[int32]Error{
	2:     {Name: "BadValue", Message: "bad value"},
	13:    {Name: "Unauthorized", Message: "command requires authentication"},
	43:    {Name: "CursorNotFound", Message: "cursor not found"},
	50:    {Name: "ExceededTimeLimit", Message: "Request timed out. Retries due to rate limiting: True."},
	64:    {Name: "WriteConcernFailed", Message: "waiting for replication timed out"},
	91:    {Name: "ShutdownInProgress", Message: "the server is in quiesce mode and will shut down"},
	112:   {Name: "WriteConflict", Message: "write conflict during plan execution and yielding is disabled"},
	121:   {Name: "DocumentValidationFailure", Message: "Document failed validation"},
	189:   {Name: "PrimarySteppedDown", Message: "primary stepped down while waiting for replication"},
	10107: {Name: "NotWritablePrimary", Message: "not primary"},
	10334: {Name: "BSONObjectTooLarge", Message: "object to insert too large"},
	11600: {Name: "InterruptedAtShutdown", Message: "interrupted at shutdown"},
	11602: {Name: "InterruptedDueToReplStateChange", Message: "operation was interrupted"},
	13436: {Name: "NotPrimaryOrSecondary", Message: "node is not in primary or recovering state"},
	16500: {Name: "RequestRateTooLarge", Message: "Error=16500, RetryAfterMs=34, Details='Batch write error.'"},
}

// mostDelay of one rule; those of all that match add up.
const mostDelay = 24 * time.Hour

// complete checks a rule and fills in what a known error code implies.
func (r *Rule) complete() error {
	var mistakes []error
	mistake := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if r.Command == "" {
		mistake("command is missing; * stands for every command")
	}
	if !slices.Contains(actions, r.Action) {
		mistake("action %q is not one of %s", r.Action, strings.Join(actions, ", "))
	}
	if !isShare(r.Probability) {
		mistake("probability %g is not between 0 and 1", r.Probability)
	}
	if r.Skip < 0 || r.Times < 0 || r.Delay < 0 {
		mistake("skip, times and delay cannot be negative")
	}
	if r.Delay > Duration(mostDelay) {
		mistake("a delay of more than %s is none: the action no-reply never answers", mostDelay)
	}
	if r.Action == ActionDelay && r.Delay == 0 {
		mistake("action delay needs a delay")
	}
	needsError := r.Action == ActionError || r.Action == ActionWriteErrors
	if needsError && r.Error.Code == 0 {
		mistake("action %s needs error.code", r.Action)
	}
	if standard := known[r.Error.Code]; needsError {
		if r.Error.Name == "" {
			r.Error.Name = standard.Name
		}
		if r.Error.Message == "" {
			r.Error.Message = standard.Message
		}
		if r.Error.Name == "" {
			r.Error.Name = fmt.Sprintf("Location%d", r.Error.Code)
		}
	}
	if r.Action == ActionWriteErrors {
		if r.Command != "*" && !slices.Contains([]string{"insert", "update", "delete"}, r.Command) {
			mistake("write-errors are for insert, update and delete, not for %s", r.Command)
		}
		if r.Documents.empty() {
			mistake("write-errors need documents: indexes, share, larger_than or field")
		}
		for _, index := range r.Documents.Indexes {
			if index < 0 {
				mistake("documents.indexes: %d is negative", index)
			}
		}
		if !isShare(r.Documents.Share) {
			mistake("documents.share %g is not between 0 and 1", r.Documents.Share)
		}
	}
	return errors.Join(mistakes...)
}

func isShare(f float64) bool { return f >= 0 && f <= 1 } // which NaN is not

func (e Error) reply() *wire.Reply {
	return wire.ErrorReply(e.Code, e.Name, e.Message, e.Labels...)
}

func (d Documents) empty() bool {
	return len(d.Indexes) == 0 && d.Share == 0 && d.LargerThan == 0 && d.Field == "" && d.Match == nil
}

// matches tells whether a write is picked for what it holds.
func (d Documents) matches(operation bson.Raw) bool {
	if d.LargerThan > 0 && len(operation) > d.LargerThan {
		return true
	}
	if d.Field != "" {
		value, err := operation.LookupErr(strings.Split(d.Field, ".")...)
		if err == nil && (d.Equals == nil || equals(value, d.Equals)) {
			return true
		}
	}
	return d.Match != nil && d.Match(operation)
}

func equals(value bson.RawValue, wanted any) bool {
	switch wanted := wanted.(type) {
	case string:
		if id, ok := value.ObjectIDOK(); ok {
			return id.Hex() == wanted
		}
		text, ok := value.StringValueOK()
		return ok && text == wanted
	case bool:
		flag, ok := value.BooleanOK()
		return ok && flag == wanted
	case int:
		number, ok := asFloat(value)
		return ok && number == float64(wanted)
	case float64:
		number, ok := asFloat(value)
		return ok && number == wanted
	}
	return false
}

func asFloat(value bson.RawValue) (float64, bool) {
	if number, ok := value.DoubleOK(); ok {
		return number, true
	}
	if number, ok := value.AsInt64OK(); ok {
		return float64(number), true
	}
	return 0, false
}
