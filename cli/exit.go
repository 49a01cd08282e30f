package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"vida/plans"
	"vida/runner"
)

// The exit codes. They are part of what users rely on.
const (
	exitDone        = 0
	exitFailed      = 1   // a step failed, or something kept a command from working
	exitUsage       = 2   // a wrong command line, or an invalid plan
	exitDifferences = 3   // done, but a verification found differences or documents were rejected
	exitIdentity    = 4   // the plan's identity differs from the saved state
	exitLocked      = 5   // another run holds the lock
	exitInterrupted = 130 // resumable
)

// errNoCommand is for a command line without a command, once the help has been shown.
var errNoCommand = errors.New("no command")

// errInvalid is for plans whose mistakes `vida validate` has shown.
var errInvalid = errors.New("not valid")

// usageError is a wrong command line.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usage(message string) error { return &usageError{message} }

// invalidPlan is a plan that does not validate.
type invalidPlan struct {
	file        string
	diagnostics plans.Diagnostics
}

func (e *invalidPlan) Error() string { return e.file + " is not valid" }

// endedAs is how a run ended that was not a success; the summary has told why.
type endedAs struct{ status string }

func (e *endedAs) Error() string { return "the run ended as " + e.status }

// exit tells the operator about an error and returns the exit code. No other place decides on exit codes.
func (a *app) exit(cmd *cobra.Command, err error) int {
	code, told := exitCode(err)
	if told {
		return code
	}
	switch e := asType[*invalidPlan](err); {
	case e != nil:
		_ = e.diagnostics.Format(a.stderr) // there is nowhere left to tell of a failure
		_, _ = fmt.Fprintf(a.stderr, "vida: %s has %s; nothing was started\n", e.file, mistakes(len(e.diagnostics)))
	case asType[*usageError](err) != nil:
		_, _ = fmt.Fprintf(a.stderr, "%s: %v (see %s --help)\n", cmd.CommandPath(), err, cmd.CommandPath())
	case asType[*runner.LockedError](err) != nil && len(cmd.Flags().Args()) > 0:
		_, _ = fmt.Fprintf(a.stderr, "vida: %v (see vida status %s)\n", err, quote(cmd.Flags().Arg(0)))
	default:
		_, _ = fmt.Fprintf(a.stderr, "vida: %s\n", strings.TrimRight(err.Error(), "\n"))
	}
	return code
}

// exitCode returns the exit code of an error, and whether the operator has been told already.
func exitCode(err error) (code int, told bool) {
	if err == nil {
		return exitDone, true
	}
	if e := asType[*endedAs](err); e != nil {
		return statusCode(e.status), true
	}
	switch {
	case errors.Is(err, errNoCommand), errors.Is(err, errInvalid):
		return exitUsage, true
	case asType[*usageError](err) != nil, asType[*invalidPlan](err) != nil, asType[*runner.UsageError](err) != nil:
		return exitUsage, false
	case asType[*runner.IdentityError](err) != nil:
		return exitIdentity, false
	case asType[*runner.LockedError](err) != nil:
		return exitLocked, false
	case errors.Is(err, context.Canceled):
		return exitInterrupted, false
	case errors.Is(err, syscall.EPIPE):
		return exitFailed, true // whoever read us has gone; saying so would reach nobody
	}
	return exitFailed, false
}

// statusCode returns the exit code of a run that ended with a status.
func statusCode(status string) int {
	switch status {
	case runner.StatusSucceeded:
		return exitDone
	case runner.StatusDifferences:
		return exitDifferences
	case runner.StatusInterrupted:
		return exitInterrupted
	}
	return exitFailed
}

// asType returns the first error of type E in err's chain, or nil.
func asType[E interface {
	comparable
	error
}](err error) E {
	var e E
	errors.As(err, &e)
	return e
}

func mistakes(n int) string {
	if n == 1 {
		return "1 mistake"
	}
	return fmt.Sprintf("%d mistakes", n)
}
