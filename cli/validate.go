package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"vida/plans"
)

func (a *app) newValidate() *cobra.Command {
	var set assignments
	var output string
	cmd := &cobra.Command{
		Use:   "validate PLAN...",
		Short: "Check plans and point at every mistake",
		Long: `validate reads plans, checks everything that can be checked without a connection, and
shows every mistake at its place. A plan that validates starts; one that does not, does not.`,
		Example: `  vida validate plans/*.yaml
  vida validate plans/copy.yaml --set COSMOS_DB_NAME=orders
  vida validate plans/copy.yaml -o json`,
		Args:              argumentsOf(1, -1, "at least one PLAN file"),
		ValidArgsFunction: planFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.validate(args, set, output)
		},
	}
	setFlag(cmd, &set)
	outputFlag(cmd, &output)
	return cmd
}

func (a *app) validate(files []string, set assignments, output string) error {
	found := plans.Diagnostics{}
	for _, file := range files {
		plan, diagnostics, err := a.parse(file, set)
		if err != nil {
			return err
		}
		found = append(found, diagnostics...)
		if output == outputJSON {
			continue
		}
		if len(diagnostics) > 0 {
			if err := diagnostics.Format(a.stdout); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %s\n", file, mistakes(len(diagnostics)))
		} else {
			_, err = fmt.Fprintf(a.stdout, "%s: valid, %s\n", file, steps(len(plan.Steps)))
		}
		if err != nil {
			return err
		}
	}
	if output == outputJSON {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(found); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return errInvalid
	}
	return nil
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}
