package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"vida/plans"
	"vida/runner"
)

// load reads and checks a plan.
func (a *app) load(file string, set assignments) (*plans.Plan, error) {
	plan, diagnostics, err := a.parse(file, set)
	if err != nil {
		return nil, err
	}
	if len(diagnostics) > 0 {
		return nil, &invalidPlan{file, diagnostics}
	}
	return plan, nil
}

// parse reads a plan. An error is about the file as a whole, and a usage error.
func (a *app) parse(file string, set assignments) (*plans.Plan, plans.Diagnostics, error) {
	plan, diagnostics, err := plans.Load(file, plans.Options{Set: set, Environ: a.environ, IndexFile: runner.CheckIndexFile})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		message := "there is no plan file " + file
		if near := nearbyPlan(file); near != "" {
			message += ", did you mean " + near + "?"
		}
		return nil, nil, usage(message)
	case err != nil:
		return nil, nil, &usageError{err.Error()}
	}
	return plan, diagnostics, nil
}

// nearbyPlan returns the plan file that a name which is no file was probably meant to be.
func nearbyPlan(file string) string {
	for _, candidate := range []string{file + ".yaml", file + ".yml", filepath.Join("plans", file), filepath.Join("plans", file+".yaml")} {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate
		}
	}
	directory, name := filepath.Split(file)
	files, err := filepath.Glob(filepath.Join(directory, "*.y*ml"))
	if err != nil {
		return ""
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	if near := nearest(name, names); near != "" {
		return filepath.Join(directory, near)
	}
	return ""
}
