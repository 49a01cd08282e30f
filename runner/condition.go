package runner

import (
	"encoding/json"
	"fmt"

	"vida/plans"
	"vida/plans/expression"
)

// holds evaluates a step's condition over the environment and what the steps came to so far.
func (r *run) holds(step *plans.Step) (bool, error) {
	results := map[string]expression.StepResult{}
	for _, other := range r.options.Plan.Steps {
		saved, ok := r.saved[other.Name]
		if !ok {
			results[other.Name] = expression.StepResult{Status: StatusPending, Result: map[string]any{}}
			continue
		}
		result, err := conditionResult(saved.Result)
		if err != nil {
			return false, fmt.Errorf("step %s: its saved result: %w", other.Name, err)
		}
		results[other.Name] = expression.StepResult{Status: saved.Status, Result: result}
	}
	return step.When.Eval(r.options.Plan.Env, results)
}

// conditionResult is what `steps.NAME.result` holds: the counts, and the fields of the step's output.
func conditionResult(stored []byte) (map[string]any, error) {
	fields := map[string]any{}
	if len(stored) == 0 {
		return fields, nil
	}
	var result struct {
		Counts map[string]any  `json:"counts"`
		Output json.RawMessage `json:"output"`
	}
	if err := json.Unmarshal(stored, &result); err != nil {
		return nil, err
	}
	if len(result.Output) > 0 {
		// An output that is no object has no fields to ask for.
		_ = json.Unmarshal(result.Output, &fields)
	}
	for name, value := range result.Counts {
		fields[name] = value
	}
	return fields, nil
}

// waitsFor names a step that a condition asks about and that has not run; empty when there is none.
func (r *run) waitsFor(index int, step *plans.Step) string {
	for _, name := range step.When.Steps() {
		if _, ran := r.saved[name]; !ran && r.options.selected(index) {
			return name
		}
	}
	return ""
}
