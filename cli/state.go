package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vida/plans"
	"vida/runner"
)

// stateOptions returns what names the state of a plan: a plan file, or the name of a plan that has a state.
// Where the plan does not load, say in a second terminal without its environment, its name is enough.
func (a *app) stateOptions(planOrName string, set assignments) (runner.Options, error) {
	o := runner.Options{StateDir: a.stateDir, Version: version()}
	if _, err := os.Stat(planOrName); err != nil && a.hasState(planOrName) {
		o.Plan, err = a.planOfState(planOrName)
		return o, err
	}
	plan, diagnostics, err := a.parse(planOrName, set)
	if err != nil {
		return o, err
	}
	if len(diagnostics) == 0 {
		o.Plan = plan
		return o, nil
	}
	sketch, err := readOutline(planOrName)
	if err != nil || sketch.Name == "" || strings.ContainsAny(sketch.Name, "$/\\") {
		return o, &invalidPlan{planOrName, diagnostics}
	}
	o.Plan = &plans.Plan{File: planOrName, Name: sketch.Name}
	for _, s := range sketch.Steps {
		o.Plan.Steps = append(o.Plan.Steps, &plans.Step{Name: s.Name, Type: s.Type})
	}
	return o, nil
}

// planOfState returns as much of a plan as its state tells: its name, and the steps of its latest run.
func (a *app) planOfState(name string) (*plans.Plan, error) {
	plan := &plans.Plan{Name: name}
	runs, err := runner.History(runner.Options{Plan: plan, StateDir: a.stateDir})
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		for _, s := range run.Steps {
			plan.Steps = append(plan.Steps, &plans.Step{Name: s.Name, Type: s.Type})
		}
		if len(plan.Steps) > 0 {
			break
		}
	}
	return plan, nil
}

func (a *app) hasState(name string) bool {
	if name == "" || filepath.Base(name) != name {
		return false
	}
	info, err := os.Stat(filepath.Join(a.stateDir, name+".db"))
	return err == nil && info.Mode().IsRegular()
}

// allStates returns the names of the plans that have a state.
func (a *app) allStates() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(escapeGlob(a.stateDir), "*.db"))
	if err != nil {
		return nil, fmt.Errorf("looking for states in %s: %w", a.stateDir, err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".db"))
	}
	return names, nil
}

// escapeGlob keeps a directory's name from being read as a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
