package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroup is flags under a heading of their own.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// helpColumns is the width at which the help of flags is wrapped.
const helpColumns = 110

// groupFlags gives a command flags whose help is shown under headings; its other flags come first.
func groupFlags(cmd *cobra.Command, groups ...flagGroup) {
	for _, group := range groups {
		cmd.Flags().AddFlagSet(group.flags)
	}
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		var text strings.Builder
		text.WriteString("Usage:\n  " + cmd.UseLine() + "\n")
		if cmd.HasExample() {
			text.WriteString("\nExamples:\n" + cmd.Example + "\n")
		}
		own := pflag.NewFlagSet("own", pflag.ContinueOnError)
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			for _, group := range groups {
				if group.flags.Lookup(flag.Name) != nil {
					return
				}
			}
			own.AddFlag(flag)
		})
		for _, group := range append([]flagGroup{{"Flags", own}}, groups...) {
			text.WriteString("\n" + group.title + ":\n" + group.flags.FlagUsagesWrapped(helpColumns))
		}
		_, err := cmd.OutOrStderr().Write([]byte(text.String()))
		return err
	})
}
