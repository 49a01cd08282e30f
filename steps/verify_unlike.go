package steps

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"vida/plans"
)

// unlikeCopies says of each copy before a verification that brings over something else than the verification
// compares, that what the copy left out or changed will be reported as a difference.
func unlikeCopies(env Reader) (notes []string) {
	step := env.Step()
	var from, to string
	var selection plans.Selection
	var compared []string
	switch spec := step.Spec.(type) {
	case *plans.VerifyCountsSpec:
		from, to, selection, compared = spec.From, spec.To, spec.Selection, []string{"query", "filter"}
	case *plans.VerifyContentSpec:
		from, to, selection, compared = spec.From, spec.To, spec.Selection, []string{"query", "filter", "set", "unset"}
	}
	for _, earlier := range env.Plan().Steps {
		if earlier.Name == step.Name {
			break
		}
		spec, ok := earlier.Spec.(*plans.CopySpec)
		if !ok || spec.From != from || spec.To != to || !overlap(spec.Selection, selection) {
			continue
		}
		var unlike []string
		for _, field := range compared {
			if !maps.Equal(identityOf(earlier, field), identityOf(step, field)) {
				unlike = append(unlike, field)
			}
		}
		if len(unlike) > 0 {
			notes = append(notes, fmt.Sprintf("step %s copies with another %s than this step compares with: give both the same, or what the copy left out or changed counts as a difference",
				earlier.Name, strings.Join(unlike, ", ")))
		}
	}
	return notes
}

// identityOf returns what of a step's identity is about one field, which is one entry or one for each path.
func identityOf(step *plans.Step, field string) map[string]string {
	found := map[string]string{}
	for name, value := range step.Identity {
		if family, _, _ := strings.Cut(name, "."); family == field {
			found[name] = value
		}
	}
	return found
}

// overlap tells whether two selections may be about one collection.
func overlap(a, b plans.Selection) bool {
	if len(a.Collections) == 0 || len(b.Collections) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Collections, func(c plans.CollectionName) bool {
		return slices.ContainsFunc(b.Collections, func(other plans.CollectionName) bool {
			return c.From == other.From || matches(c.From, other.From) || matches(other.From, c.From)
		})
	})
}
