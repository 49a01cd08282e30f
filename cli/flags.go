package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError turns what the flag parser says into a usage error, with what was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	message := err.Error()
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if name == "resume" {
			return usage("there is no --resume: the same command goes on from where it stopped")
		}
		if len(unknown.GetSpecifiedShortnames()) == 0 {
			message = "unknown flag --" + name
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			if near := nearest(name, names); near != "" {
				message += ", did you mean --" + near + "?"
			}
		}
	case errors.As(err, &invalid):
		// The value is left out where it may be a secret; our flags say in their error what they take.
		message = fmt.Sprintf("--%s takes %v", invalid.GetFlag().Name, invalid.Unwrap())
		if invalid.GetFlag().Value.Type() != assignmentType {
			message += fmt.Sprintf(", not %q", invalid.GetValue())
		}
	}
	return usage(message)
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   *string
	choices []string
}

func newChoice(value *string, standard string, choices ...string) pflag.Value {
	*value = standard
	return &choice{value, choices}
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return strings.Join(c.choices, "|") }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.choices, text) {
		return errors.New(strings.Join(c.choices, ", "))
	}
	*c.value = text
	return nil
}

// outputFlag adds --output.
func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().VarP(newChoice(output, outputText, outputText, outputJSON), "output", "o", "how to write the result")
	complete(cmd, "output", outputText, outputJSON)
}

const (
	outputText = "text"
	outputJSON = "json"
)

// assignments are the --set flags. The values may be secrets: they are never written anywhere.
type assignments map[string]string

func setFlag(cmd *cobra.Command, set *assignments) {
	*set = assignments{}
	cmd.Flags().Var(*set, "set", "set what ${NAME} stands for in the plan, before the environment (repeatable)")
}

const assignmentType = "NAME=value"

func (a assignments) String() string { return "" }
func (a assignments) Type() string   { return assignmentType }

func (a assignments) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || !isName(name) {
		return errors.New(assignmentType + ", with a NAME of letters, digits and underscores")
	}
	a[name] = value
	return nil
}

func isName(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// complete offers a flag's few words to the shell.
func complete(cmd *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that does not exist, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// argumentsOf checks the number of arguments and says what the command takes; most is negative for any number.
func argumentsOf(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("it takes " + what)
		case most >= 0 && len(args) > most:
			return usage(fmt.Sprintf("it takes %s, and %q is one argument too many", what, args[most]))
		}
		return nil
	}
}
