package cli

import (
	"github.com/spf13/cobra"
)

// addCompletion adds cobra's own commands for the shells, strict about the name of the shell.
func (a *app) addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Short = "Print the completion script for a shell"
			cmd.Args = a.knownCommand
			cmd.RunE = a.helpInstead
		}
	}
}

// newHelp replaces cobra's help command, which takes a command that does not exist for a success.
func (a *app) newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return a.knownCommand(found, rest)
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// helpInstead is for a command that does nothing by itself: it shows what there is, which is not success.
func (a *app) helpInstead(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(a.stderr)
	if err := cmd.Help(); err != nil {
		return err
	}
	return errNoCommand
}
