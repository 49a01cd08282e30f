package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func newExecCommand(stdio Stdio) *cobra.Command {
	var flags stackFlags
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENT...]",
		Short: "Start both servers, run a command on them, stop them",
		Long: `exec starts both servers, sets COSMOS_DB_CONNECTION_STRING, COSMOS_DB_NAME,
COSMOS_DB_COLLECTION, MONGODB_ATLAS_CONNECTION_STRING, MONGODB_ATLAS_DB_NAME and
MONGODB_ATLAS_COLLECTION (names already set in the environment stay) and
VIDA_TEST_SOURCE_URI and VIDA_TEST_TARGET_URI, runs the command, and stops them.

The source behaves as a Cosmos DB account (--profile, --request-units): it charges
request units, throttles and refuses. VIDA_SANDBOX_COSMOS_URL tells what it did (GET)
and takes changes while it runs (POST):
  curl -d '{"request_units": 5000, "background": 2000}' $VIDA_SANDBOX_COSMOS_URL
VIDA_SANDBOX_SOURCE_ENGINE_URI leads past it, to the server that keeps the documents.
VIDA_SANDBOX_SOURCE_FAULTS_URL and VIDA_SANDBOX_TARGET_FAULTS_URL are there with
--source-faults and --target-faults; see vida-sandbox proxy --help.

The exit code is the command's: 128+n where signal n ended it, 127 where it is not
found, 126 where it cannot be run; 125 where the sandbox itself failed.`,
		Example: `  vida-sandbox exec -- vida run plans/full-migration.yaml
  vida-sandbox exec --profile ru-3.6 --request-units 4000 -- vida run plans/full-migration.yaml
  vida-sandbox exec --cosmos=off -- vida run plans/full-migration.yaml`,
		Args: usageArgs(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("exec needs a command to run, after --")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error { return runExec(&flags, stdio, args) },
	}
	cmd.Flags().SetInterspersed(false)
	flags.register(cmd)
	return cmd
}

func runExec(flags *stackFlags, stdio Stdio, args []string) error {
	signals := catchSignals()
	defer signals.release()
	path, err := exec.LookPath(args[0])
	if err != nil {
		_, _ = fmt.Fprintf(stdio.Err, "vida-sandbox: %v\n", err)
		return &exitError{lookupCode(err)}
	}

	var running *stack
	startError := signals.abandoning(func(ctx context.Context) error {
		running, err = flags.start(ctx)
		return err
	})
	if startError != nil {
		return startError
	}

	command := &exec.Cmd{Path: path, Args: args, Stdin: stdio.In, Stdout: stdio.Out, Stderr: stdio.Err}
	command.Env = withVariables(os.Environ(), running.variables())
	code, runError := signals.run(command)
	running.say(stdio.Err)
	stopError := running.stop()
	if runError != nil {
		_, _ = fmt.Fprintf(stdio.Err, "vida-sandbox: %v\n", runError)
		code = lookupCode(runError)
	}
	if stopError != nil {
		// The command's own code is the answer that the caller waits for.
		_, _ = fmt.Fprintf(stdio.Err, "vida-sandbox: stop: %v\n", stopError)
	}
	if code != 0 {
		return &exitError{code}
	}
	return stopError
}

// lookupCode tells a command that is not there from one that cannot be run, as shells do.
func lookupCode(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return exitNotFound
	}
	return exitNotRunnable
}

// signals are what ends the program or its command. While a command runs they are the command's to
// act on: its servers must outlive it.
type signals struct{ arriving chan os.Signal }

func catchSignals() *signals {
	s := &signals{make(chan os.Signal, 16)}
	signal.Notify(s.arriving, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	return s
}

func (s *signals) release() { signal.Stop(s.arriving) }

// abandoning runs do, and ends its context at the first signal; the exit code is then that signal's.
func (s *signals) abandoning(do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		return err
	case got := <-s.arriving:
		cancel()
		if err := <-done; err == nil || errors.Is(err, context.Canceled) {
			return &exitError{exitSignal + int(got.(syscall.Signal))}
		} else {
			return err
		}
	}
}

// run runs the command to its end and returns its exit code, or why it could not be started.
func (s *signals) run(command *exec.Cmd) (int, error) {
	terminal := openTerminal()
	defer terminal.close()
	if !terminal.is() {
		// In a group of its own the command gets each signal once: from here.
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	for {
		select {
		case got := <-s.arriving:
			keyboard := got == syscall.SIGINT || got == syscall.SIGQUIT
			if keyboard && terminal.isForeground() {
				continue // the terminal has sent it to the command as well
			}
			_ = command.Process.Signal(got) // fails only where the command has ended
		case err := <-done:
			return commandCode(command, err)
		}
	}
}

func commandCode(command *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return command.ProcessState.ExitCode(), nil
}
