package steps

import (
	"slices"
	"strings"

	"vida/endpoint"
	"vida/plans"
)

// need is what one step of the plan does with one connection.
type need struct {
	step  string
	still bool // the step is still to come, so that it fails where the need is not met

	writes    bool
	actions   []string        // of MongoDB's access control
	selection plans.Selection // what is read
	required  bool            // a collection named in the selection must be there
	streams   bool            // what is read is read by change streams
	targets   []string        // what is written, by name
	made      []string        // of the selection, what an earlier step makes
}

// needsOf lists what the plan's other steps do with a connection.
func needsOf(env Reader, connection string) []need {
	var needs []need
	var made []string // on this connection, by the steps so far
	passed := false
	for _, step := range env.Plan().Steps {
		if step.Name == env.Step().Name {
			passed = true
			continue
		}
		if never(env.Plan(), step) {
			continue
		}
		n, uses := needOf(step.Spec, connection)
		if !uses {
			continue
		}
		_, done := env.Earlier(step.Name)
		n.step, n.still, n.made = step.Name, passed && !done, slices.Clone(made)
		if _, extracts := step.Spec.(*plans.ExtractIndexesSpec); extracts { // content where it is made later
			n.made = slices.DeleteFunc(n.sourceNames(), func(name string) bool { return !generates(env.Plan(), connection, name) })
		}
		made = append(made, n.targets...)
		needs = append(needs, n)
	}
	return needs
}

// never tells whether a step's condition is known to be false.
func never(plan *plans.Plan, step *plans.Step) bool {
	if step.When == nil || len(step.When.Steps()) > 0 {
		return false
	}
	holds, err := step.When.Eval(plan.Env, nil)
	return err == nil && !holds
}

// needOf is what a step does with a connection; uses is false where it does nothing with it.
func needOf(spec plans.Spec, connection string) (n need, uses bool) {
	reads := func(from string, selection plans.Selection, required bool) {
		if from == connection {
			n.selection, n.required, uses = selection, required, true
			n.actions = append(n.actions, endpoint.ActionFind)
		}
	}
	writes := func(to string, names []string, actions ...string) {
		if to == connection {
			n.targets, n.writes, uses = names, true, true
			n.actions = append(n.actions, actions...)
		}
	}
	switch s := spec.(type) {
	case *plans.ExtractIndexesSpec:
		reads(s.From, s.Selection, true)
	case *plans.GenerateSpec:
		writes(s.To, []string{s.Collection}, endpoint.ActionFind, endpoint.ActionInsert)
	case *plans.CopySpec:
		reads(s.From, s.Selection, true)
		n.streams = uses && s.Read == plans.ReadChangeStream
		actions := []string{endpoint.ActionFind, endpoint.ActionInsert}
		if s.OnConflict == plans.ConflictReplace || s.Read == plans.ReadChangeStream {
			actions = append(actions, endpoint.ActionUpdate)
		}
		writes(s.To, targetNames(s.Selection), actions...)
	case *plans.DumpSpec:
		reads(s.From, s.Selection, true)
	case *plans.RestoreSpec:
		actions := []string{endpoint.ActionFind, endpoint.ActionInsert}
		if s.OnConflict == plans.ConflictReplace {
			actions = append(actions, endpoint.ActionUpdate)
		}
		if s.Indexes {
			actions = append(actions, endpoint.ActionCreateIndex)
		}
		writes(s.To, targetNames(s.Selection), actions...)
	case *plans.CreateIndexesSpec:
		writes(s.To, targetNames(s.Selection), endpoint.ActionCreateIndex)
	case *plans.VerifyCountsSpec:
		reads(s.From, s.Selection, false)
		reads(s.To, plans.Selection{Collections: named(targetNames(s.Selection))}, false)
	case *plans.VerifyIndexesSpec:
		reads(s.From, s.Selection, false)
		reads(s.To, plans.Selection{Collections: named(targetNames(s.Selection))}, false)
	case *plans.VerifyContentSpec:
		reads(s.From, s.Selection, false)
		reads(s.To, plans.Selection{Collections: named(targetNames(s.Selection))}, false)
		if s.Repair {
			writes(s.To, targetNames(s.Selection), endpoint.ActionInsert, endpoint.ActionUpdate)
		}
	}
	return n, uses
}

// targetNames lists the names of the target that a selection tells without a look at the source.
func targetNames(selection plans.Selection) []string {
	var names []string
	for _, c := range selection.Collections {
		if !c.IsPattern() && !excluded(selection.Exclude, c.From) {
			names = append(names, c.To)
		}
	}
	return names
}

func named(names []string) []plans.CollectionName {
	var list []plans.CollectionName
	for _, name := range names {
		list = append(list, plans.CollectionName{From: name, To: name})
	}
	return list
}

// sourceNames lists the collections that a need reads by name.
func (n need) sourceNames() []string {
	var names []string
	for _, c := range n.selection.Collections {
		if !c.IsPattern() && !excluded(n.selection.Exclude, c.From) {
			names = append(names, c.From)
		}
	}
	return names
}

// names lists every collection that the need names, without repetition.
func (n need) names() []string {
	list := append(n.sourceNames(), n.targets...)
	slices.Sort(list)
	return slices.Compact(list)
}

// enumerate joins words: "copy and verify".
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
