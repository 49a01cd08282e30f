package runner

import (
	"encoding/json"
	"fmt"
	"sort"

	"vida/plans"
	"vida/state"
)

// checkIdentities compares what each step's progress belongs to with what the plan says now.
func checkIdentities(plan *plans.Plan, saved map[string]state.Step) error {
	for _, step := range plan.Steps {
		record, ok := saved[step.Name]
		if !ok {
			continue
		}
		if record.Type != step.Type {
			return &IdentityError{Step: step.Name, Field: "type", Was: record.Type, Is: step.Type}
		}
		was := map[string]string{}
		if err := json.Unmarshal(record.Identity, &was); err != nil {
			return fmt.Errorf("step %s: its saved identity: %w", step.Name, err)
		}
		fields := map[string]bool{}
		for field := range was {
			fields[field] = true
		}
		for field := range step.Identity {
			fields[field] = true
		}
		ordered := make([]string, 0, len(fields))
		for field := range fields {
			ordered = append(ordered, field)
		}
		sort.Strings(ordered)
		for _, field := range ordered {
			if was[field] != step.Identity[field] {
				return &IdentityError{Step: step.Name, Field: field, Was: was[field], Is: step.Identity[field]}
			}
		}
	}
	return nil
}
