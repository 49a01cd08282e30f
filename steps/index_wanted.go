package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
)

// indexOrigin says where the indexes come from that a target should have. One of its fields is given.
type indexOrigin struct {
	from string // a connection
	step string // an extract-indexes step
	file string
}

// wantedCollection is a collection of the target and the indexes that it should have.
type wantedCollection struct {
	Name    string
	Indexes []indexes.Index
}

// wanted returns what the target should have. A step that has not run yet is an error, but for a preview (ahead),
// which then looks at the source itself.
func (o indexOrigin) wanted(ctx context.Context, env Reader, selection plans.Selection, ahead bool) ([]wantedCollection, error) {
	have, what, err := o.collections(ctx, env, selection, ahead)
	if err != nil {
		return nil, err
	}
	var list []endpoint.Collection
	byName := map[string][]indexes.Index{}
	var names []string
	for _, c := range have {
		list = append(list, endpoint.Collection{Name: c.Name, Type: "collection"})
		byName[c.Name] = c.Indexes
		names = append(names, c.Name)
	}
	pairs, _, err := choose(func(collection string) string { return collection }, list, selection)
	if err != nil {
		return nil, err
	}
	var wanted []wantedCollection
	for _, p := range pairs {
		if p.Collection.Name == "" {
			return nil, fmt.Errorf("%s has no collection %s: it has %s", what, p.From, orNone(names))
		}
		wanted = append(wanted, wantedCollection{Name: p.To, Indexes: byName[p.From]})
	}
	return wanted, nil
}

// sameWanted tells whether two lists come to the same indexes, in whatever order.
func sameWanted(a, b []wantedCollection) bool {
	byName := map[string]indexes.Index{}
	for _, c := range a {
		for _, index := range c.Indexes {
			byName[c.Name+"/"+index.Name()] = index
		}
	}
	for _, c := range b {
		for _, index := range c.Indexes {
			if there, ok := byName[c.Name+"/"+index.Name()]; !ok || !there.Equal(index) {
				return false
			}
			delete(byName, c.Name+"/"+index.Name())
		}
	}
	return len(byName) == 0
}

// edited says that the file has other indexes than it had; nothing where it has not, or is no longer there.
func (o indexOrigin) edited(env Reader, selection plans.Selection, had []wantedCollection) string {
	path := env.Plan().Beside(o.file)
	if _, err := os.Stat(path); o.file == "" || err != nil {
		return ""
	}
	wanted, err := o.wanted(context.Background(), env, selection, false)
	if err == nil && sameWanted(wanted, had) {
		return ""
	}
	return path + " was edited since this step was done"
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// collections returns all that the origin has, and what it is called in messages.
func (o indexOrigin) collections(ctx context.Context, env Reader, selection plans.Selection, ahead bool) (list []indexes.Collection, what string, err error) {
	switch {
	case o.file != "":
		path := env.Plan().Beside(o.file)
		list, err := readIndexFile(path)
		var missing *missingIndexFile
		if writer := o.writtenBy(env.Plan()); writer != nil && ahead && errors.As(err, &missing) {
			list, err = ofConnection(ctx, env, writer)
		}
		return list, path, err
	case o.step != "":
		list, err := o.ofStep(ctx, env, ahead)
		return list, "step " + o.step, err
	}
	list, err = ofConnection(ctx, env, &plans.ExtractIndexesSpec{From: o.from, Selection: selection})
	return list, "connection " + o.from, err
}

// writtenBy is the step of the plan that writes the file, or nil.
func (o indexOrigin) writtenBy(plan *plans.Plan) *plans.ExtractIndexesSpec {
	for _, step := range plan.Steps {
		if spec, ok := step.Spec.(*plans.ExtractIndexesSpec); ok && spec.Output != "" && plan.Beside(spec.Output) == plan.Beside(o.file) {
			return spec
		}
	}
	return nil
}

func (o indexOrigin) ofStep(ctx context.Context, env Reader, ahead bool) ([]indexes.Collection, error) {
	earlier, ok := env.Earlier(o.step)
	if !ok {
		if spec, is := env.Plan().Step(o.step).Spec.(*plans.ExtractIndexesSpec); is && ahead {
			return ofConnection(ctx, env, spec)
		}
		return nil, fmt.Errorf("step %s, whose indexes these are, has not succeeded yet: run it first", o.step)
	}
	var out extracted
	if err := json.Unmarshal(earlier.Output, &out); err != nil {
		return nil, fmt.Errorf("the saved indexes of step %s: %w", o.step, err)
	}
	return bare(out.Collections), nil
}

// ofConnection reads a source and translates what it lists.
func ofConnection(ctx context.Context, env Reader, spec *plans.ExtractIndexesSpec) ([]indexes.Collection, error) {
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	list, _, err := readIndexes(ctx, env.Plan(), reader, spec)
	return bare(list), err
}

func bare(list []indexes.Documented) []indexes.Collection {
	var collections []indexes.Collection
	for _, c := range list {
		collections = append(collections, indexes.Collection{Name: c.Name, Indexes: c.Report.Indexes()})
	}
	return collections
}
