// Package runner runs a plan: the order of its steps and their conditions, units and the workers that do them,
// resume, the lock, and what a listener is told meanwhile.
package runner

import (
	"fmt"
	"strings"

	"vida/plans"
	"vida/state"
	"vida/steps"
)

// Options say what to run and how.
type Options struct {
	Plan         *plans.Plan
	StateDir     string
	Only         string // a step's name: nothing but that step
	From         string // a step's name: that step and what follows it
	Restart      string // a step's name: its progress and that of what follows it is dropped first
	RetryRejects bool   // try nothing but the documents rejected before
	Listener     Listener
	Version      string
	// Stop is closed when the run should end soon: batches in flight land and are saved. A cancelled context
	// ends it at once.
	Stop <-chan struct{}

	newStep func(stepType string) (steps.Step, error) // for tests; nil: steps.New
}

// LockedError means that another run of the plan is under way.
type LockedError = state.LockedError

// IdentityError means that a step's saved progress belongs to something else than the plan says now.
type IdentityError struct {
	Step  string
	Field string
	Was   string
	Is    string
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("step %s: %s was %q when its progress was saved and is %q now; go back to the former, or start the step over with --restart %s",
		e.Step, e.Field, e.Was, e.Is, e.Step)
}

// UsageError means that the options do not fit the plan.
type UsageError struct {
	Message string
	Hint    string
}

func (e *UsageError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// checkNames makes sure that every step named by an option exists.
func (o Options) checkNames(names ...string) error {
	for _, name := range names {
		if name == "" || o.Plan.Step(name) != nil {
			continue
		}
		var known []string
		for _, s := range o.Plan.Steps {
			known = append(known, s.Name)
		}
		return &UsageError{Message: fmt.Sprintf("the plan has no step %q", name), Hint: "it has " + strings.Join(known, ", ")}
	}
	return nil
}

func (o Options) step(stepType string) (steps.Step, error) {
	if o.newStep != nil {
		return o.newStep(stepType)
	}
	return steps.New(stepType)
}

// selected tells whether the options let a step run. index is its place in the plan.
func (o Options) selected(index int) bool {
	name := o.Plan.Steps[index].Name
	if o.Only != "" {
		return name == o.Only
	}
	if o.From != "" {
		for n, s := range o.Plan.Steps {
			if s.Name == o.From {
				return index >= n
			}
		}
	}
	return true
}
