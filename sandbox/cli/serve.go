package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func newServeCommand(stdio Stdio) *cobra.Command {
	var flags stackFlags
	var envFile string
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Keep both servers up until interrupted",
		Long: `serve starts both servers, prints the variables that a shell needs to use them, and
stops them at Ctrl-C (SIGINT), SIGTERM or SIGHUP. With --env-file it also writes the
variables as NAME=value lines when the servers are up, and removes that file at the end.

The variables, the Cosmos DB account before the source, and faults are those of exec.

--engine null serves a virtual collection of any size and checks what is written to the
target; {vidaSandboxStats: 1} asks either server what it has done.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return runServe(&flags, envFile, stdio) },
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&envFile, "env-file", "", "write the variables to this file (mode 0600)")
	return cmd
}

func runServe(flags *stackFlags, envFile string, stdio Stdio) (err error) {
	signals := catchSignals()
	defer signals.release()
	var running *stack
	startError := signals.abandoning(func(ctx context.Context) error {
		running, err = flags.start(ctx)
		return err
	})
	if startError != nil {
		return startError
	}
	defer func() { err = errors.Join(err, running.stop()) }()

	variables := running.variables()
	if envFile != "" {
		if err := writeEnvFile(envFile, variables); err != nil {
			return fmt.Errorf("--env-file: %w", err)
		}
		defer func() { err = errors.Join(err, os.Remove(envFile)) }()
	}
	if err := announce(stdio.Out, running, variables); err != nil {
		return err
	}
	<-signals.arriving
	running.say(stdio.Err)
	return nil
}

// announce prints the variables as a shell reads them. A password in a URI that the user gave stays
// off the screen: the env file has it.
func announce(w io.Writer, running *stack, variables []variable) error {
	if _, err := fmt.Fprintf(w, "# source  %s\n# target  %s\n", withoutPassword(running.sourceURI), withoutPassword(running.targetURI)); err != nil {
		return err
	}
	return export(w, variables)
}

func export(w io.Writer, variables []variable) error {
	for _, v := range variables {
		if _, err := fmt.Fprintf(w, "export %s=%s\n", v.name, shellQuote(withoutPassword(v.value))); err != nil {
			return err
		}
	}
	return nil
}

// withoutPassword replaces the password of a URI by xxxxx. It reads no more of the URI than it must: those
// with several hosts, or with a password that is not escaped, do not parse.
func withoutPassword(uri string) string {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return uri
	}
	beforeOptions, _, _ := strings.Cut(rest, "?")
	end := strings.LastIndexByte(beforeOptions, '@')
	if end < 0 {
		return uri
	}
	user, _, found := strings.Cut(rest[:end], ":")
	if !found {
		return uri
	}
	return scheme + "://" + user + ":xxxxx" + rest[end:]
}
