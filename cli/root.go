// Package cli is the command line: flags, exit codes, signals, and what is written where. Results go to stdout,
// everything else to stderr; an error is one line that says what to do; exit.go alone knows exit codes.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"vida/runner"
)

// app is what the commands share: the world outside, replaceable in tests.
type app struct {
	args    []string // the whole command line, the program first
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	environ []string
	signals <-chan os.Signal
	screen  func(stream any) screen
	run     func(context.Context, runner.Options) (runner.Report, error)

	stateDir string
}

// Main runs one command line and returns its exit code. args begins with the program's name. signals brings the
// interrupts: the first ends a run gracefully, the second at once, the third abandons it.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string, signals <-chan os.Signal) int {
	a := &app{
		args: args, stdin: stdin, stdout: stdout, stderr: stderr, environ: environ, signals: signals,
		screen: screenOf, run: runner.Run,
	}
	return a.main()
}

func (a *app) main() int {
	root := a.newRoot()
	root.SetArgs(a.args[min(1, len(a.args)):])

	interrupts := a.watchSignals()
	defer interrupts.release()
	ended := make(chan int, 1)
	go func() {
		command, err := root.ExecuteContextC(withInterrupts(interrupts))
		ended <- a.exit(command, err)
	}()
	select {
	case code := <-ended:
		return code
	case <-interrupts.abandoned:
		return exitInterrupted
	}
}

func (a *app) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "vida",
		Short: "Move document data by a plan",
		Long: `vida runs plans: YAML files that say how collections move from one server to another
(Azure Cosmos DB, MongoDB Atlas, and whatever else speaks the MongoDB wire protocol).

Read what a plan would do, run it, and after any interruption run the very same
command again: every step goes on from where it stopped.`,
		Example: `  vida validate plans/full-migration.yaml
  vida run plans/full-migration.yaml --dry-run
  vida run plans/full-migration.yaml
  vida status plans/full-migration.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.knownCommand,
		RunE:          a.helpInstead,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	// A command of commands does nothing alone, so its usage does not offer that.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .HasSubCommands)}}", 1))
	stateDir := a.getenv("VIDA_STATE")
	if stateDir == "" {
		stateDir = ".vida"
	}
	root.PersistentFlags().StringVar(&a.stateDir, "state", stateDir,
		"directory of the saved state, a file a plan (env VIDA_STATE)")
	root.AddCommand(
		a.newRun(), a.newValidate(), a.newStatus(), a.newTune(), a.newHistory(), a.newReset(), a.newSchema(), a.newVersion(),
	)
	root.SetHelpCommand(a.newHelp())
	a.addCompletion(root)
	return root
}

// knownCommand refuses a command that does not exist.
func (a *app) knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	if near := nearest(args[0], commandNames(cmd)); near != "" {
		return usage(message + ", did you mean " + near + "?")
	}
	if strings.HasSuffix(args[0], ".yaml") || strings.HasSuffix(args[0], ".yml") {
		return usage(message + "; to run a plan: vida run " + quote(args[0]))
	}
	return usage(message)
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// getenv returns a variable of the environment that was handed in, never the process's own.
func (a *app) getenv(name string) string {
	value := ""
	for _, entry := range a.environ {
		if key, v, ok := strings.Cut(entry, "="); ok && key == name {
			value = v // the last one counts, as for a process that is started with it
		}
	}
	return value
}
