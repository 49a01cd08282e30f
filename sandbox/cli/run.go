// Package cli is the command line of vida-sandbox.
//
// Exit codes: 0 done; 2 usage; 125 the sandbox itself failed. exec passes on the exit code of its
// command, 128+n where signal n ended it, 126 where it cannot be run and 127 where it is not found.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

const (
	exitUsage       = 2
	exitFailed      = 125
	exitNotRunnable = 126
	exitNotFound    = 127
	exitSignal      = 128 // and the signal's number
)

// Stdio is where the commands read and write. The command of exec is given the files themselves.
type Stdio struct {
	In  *os.File
	Out io.Writer
	Err io.Writer
}

// exitError ends the program with a code, silently: whoever returns it has said what there is to say.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError is a mistake in the arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// Run runs the program with arguments (without its name) and returns its exit code.
func Run(args []string, stdio Stdio) int {
	root := newRootCommand(stdio)
	root.SetArgs(args)
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	_, _ = fmt.Fprintf(stdio.Err, "vida-sandbox: %v\n", err)
	var usage *usageError
	if errors.As(err, &usage) {
		_, _ = fmt.Fprintln(stdio.Err, "run `vida-sandbox --help` to see what there is")
		return exitUsage
	}
	return exitFailed
}

func newRootCommand(stdio Stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "vida-sandbox",
		Short: "A local source and target to rehearse a vida plan on",
		Long: `vida-sandbox starts a source that behaves like Azure Cosmos DB and a target that
behaves like MongoDB Atlas on this machine, and tells a command about them through
the variables that the plans read. The plan rehearsed is the plan for production.`,
		Example:       "  vida-sandbox exec -- vida run plans/full-migration.yaml\n  vida-sandbox serve --env-file sandbox.env",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return &exitError{exitUsage}
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newExecCommand(stdio), newServeCommand(stdio), newPlotCommand(stdio), newProxyCommand(stdio))
	return root
}

// usageArgs makes what a check of the arguments finds a mistake of usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}
