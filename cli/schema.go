package cli

import (
	"github.com/spf13/cobra"

	"vida/plans"
)

func (a *app) newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of plans, for editors",
		Long: `schema prints the JSON Schema of the plan language. An editor that knows YAML schemas
completes and checks a plan that begins with

  # yaml-language-server: $schema=plan.schema.json`,
		Example: "  vida schema > plans/plan.schema.json",
		Args:    argumentsOf(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := a.stdout.Write(plans.Schema())
			return err
		},
	}
}
