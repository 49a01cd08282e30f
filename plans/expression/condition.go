package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// StepResult is what a condition may ask about a step: steps.NAME.status and steps.NAME.result.FIELD.
type StepResult struct {
	Status string
	Result map[string]any
}

// Condition is a compiled `when`.
type Condition struct {
	Text    string
	steps   []string
	program *vm.Program
}

// impure builtins give another answer each time, which would make a resumed run decide otherwise.
var impure = []string{"now"}

var stepReference = regexp.MustCompile(`steps\s*(?:\.\s*([A-Za-z0-9][A-Za-z0-9_-]*)|\[\s*"([^"]*)"\s*\])`)

// CompileCondition compiles a condition over env and the named steps.
func CompileCondition(text string, stepNames []string) (*Condition, error) {
	c := &Condition{Text: text}
	for _, match := range stepReference.FindAllStringSubmatchIndex(text, -1) {
		group := 2
		if match[group] < 0 {
			group = 4
		}
		name := text[match[group]:match[group+1]]
		if !slices.Contains(stepNames, name) {
			hint := "no step comes before this one"
			if len(stepNames) > 0 {
				hint = "earlier steps are " + strings.Join(stepNames, ", ")
			}
			return nil, &Error{Field: "when", Line: 1, Column: match[group] + 1, Message: fmt.Sprintf("no earlier step is called %q", name), Hint: hint}
		}
		c.steps = append(c.steps, name)
	}
	options := []expr.Option{expr.Env(conditionEnv(nil, nil)), expr.AsBool()}
	for _, name := range impure {
		options = append(options, expr.DisableBuiltin(name))
	}
	program, err := expr.Compile(bracketed(text), options...)
	if err != nil {
		return nil, positioned("when", err)
	}
	c.program = program
	return c, nil
}

// bracketed writes steps.create-indexes as steps["create-indexes"], which is what the hyphen needs.
func bracketed(text string) string {
	return stepReference.ReplaceAllStringFunc(text, func(reference string) string {
		match := stepReference.FindStringSubmatch(reference)
		if match[1] == "" {
			return reference
		}
		return `steps["` + match[1] + `"]`
	})
}

// Steps returns the names of the steps that the condition asks about.
func (c *Condition) Steps() []string { return c.steps }

// Eval tells whether the condition holds.
func (c *Condition) Eval(env map[string]string, steps map[string]StepResult) (bool, error) {
	out, err := expr.Run(c.program, conditionEnv(env, steps))
	if err != nil {
		return false, fmt.Errorf("when: %s: %w", c.Text, err)
	}
	holds, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("when: %s: the answer is %v, not true or false", c.Text, out)
	}
	return holds, nil
}

func conditionEnv(env map[string]string, steps map[string]StepResult) map[string]any {
	variables := make(map[string]any, len(env))
	for name, value := range env {
		variables[name] = value
	}
	results := make(map[string]any, len(steps))
	for name, s := range steps {
		results[name] = map[string]any{"status": s.Status, "result": s.Result}
	}
	return map[string]any{"env": variables, "steps": results}
}
