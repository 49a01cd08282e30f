package cli

import (
	"os"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

// outline is as much of a plan as can be read without its environment: what its state is called, and its steps.
type outline struct {
	Name  string `yaml:"name"`
	Steps []struct {
		Name string `yaml:"name"`
		Type string `yaml:"type"`
	} `yaml:"steps"`
}

func readOutline(file string) (outline, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return outline{}, err
	}
	var o outline
	if err := yaml.Unmarshal(text, &o); err != nil {
		return outline{}, err
	}
	return o, nil
}

// planFiles offers plan files to the shell.
func planFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeSteps offers the plan's steps to the shell as the value of a flag.
func completeSteps(cmd *cobra.Command, flag string) {
	// It fails only for a flag that does not exist, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return stepNames(args), cobra.ShellCompDirectiveNoFileComp
	})
}

// stepNames lists the steps of the plan that the first argument names.
func stepNames(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	o, err := readOutline(args[0])
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range o.Steps {
		names = append(names, s.Name)
	}
	return names
}
