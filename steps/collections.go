package steps

import (
	"context"
	"fmt"
	"path"
	"sort"
	"strings"

	"vida/endpoint"
	"vida/plans"
)

// pair is a collection of the source and what it is called in the target.
type pair struct {
	From       string
	To         string
	Collection endpoint.Collection // as the source lists it; Name is empty where it does not
}

// resolve turns a selection into the collections that there are now, sorted by name, with a note for each
// view and time series that is left out. A name that does not exist comes back with an empty Collection; a
// pattern may match nothing. An empty selection means every collection.
func resolve(ctx context.Context, reader *endpoint.Reader, selection plans.Selection) (pairs []pair, notes []string, err error) {
	list, err := reader.ListCollections(ctx)
	if err != nil {
		return nil, nil, err
	}
	return choose(reader.Namespace, list, selection)
}

// selected is resolve on a connection that it opens.
func selected(ctx context.Context, env Reader, from string, selection plans.Selection) (reader *endpoint.Reader, pairs []pair, notes []string, err error) {
	if reader, err = env.Reader(ctx, from); err == nil {
		pairs, notes, err = resolve(ctx, reader, selection)
	}
	return reader, pairs, notes, err
}

// choose is resolve among the collections of a list.
func choose(namespace func(collection string) string, list []endpoint.Collection, selection plans.Selection) (pairs []pair, notes []string, err error) {
	names := selection.Collections
	if len(names) == 0 {
		names = []plans.CollectionName{{From: "*", To: "*"}}
	}
	chosen := map[string]pair{}
	for _, name := range names {
		if !name.IsPattern() {
			chosen[name.From] = pair{From: name.From, To: name.To}
			continue
		}
		for _, c := range list {
			if _, named := chosen[c.Name]; named || !matches(name.From, c.Name) || strings.HasPrefix(c.Name, "system.") {
				continue
			}
			if c.Type != "collection" {
				notes = append(notes, fmt.Sprintf("%s is a %s and is left out", namespace(c.Name), c.Type))
				continue
			}
			chosen[c.Name] = pair{From: c.Name, To: c.Name}
		}
	}
	for _, c := range list {
		if p, ok := chosen[c.Name]; ok {
			p.Collection = c
			chosen[c.Name] = p
		}
	}
	for _, p := range chosen {
		if !excluded(selection.Exclude, p.From) {
			pairs = append(pairs, p)
		}
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].From < pairs[j].From })
	return pairs, notes, oneEach(namespace, pairs)
}

// oneEach refuses two collections that would end up in one.
func oneEach(namespace func(string) string, pairs []pair) error {
	from := map[string]string{}
	for _, p := range pairs {
		if other, taken := from[p.To]; taken {
			return fmt.Errorf("%s and %s would both become %s: rename one of them, or exclude it", namespace(other), namespace(p.From), p.To)
		}
		from[p.To] = p.From
	}
	return nil
}

func excluded(patterns []string, name string) bool {
	for _, p := range patterns {
		if matches(p, name) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// missingCollection is the error for a named collection that is not there.
func missingCollection(reader *endpoint.Reader, name string) error {
	return fmt.Errorf("%s does not exist: check the name and the connection's database", reader.Namespace(name))
}

// nothingSelected is the error for a selection that selects nothing: whoever wrote it meant something, and a step with
// nothing to do would look like one that did it.
func nothingSelected(reader *endpoint.Reader, selection plans.Selection) error {
	what := "no collection"
	if names := selection.Collections; len(names) > 0 {
		patterns := make([]string, len(names))
		for n, name := range names {
			patterns[n] = name.From
		}
		what = "no collection that is selected by " + strings.Join(patterns, ", ")
	}
	if len(selection.Exclude) > 0 {
		what += " and not excluded"
	}
	return fmt.Errorf("%s has %s: check the names and the connection's database", reader.Database(), what)
}

// bothReaders opens the two connections of a step that compares them.
func bothReaders(ctx context.Context, env Reader, from, to string) (source, target *endpoint.Reader, err error) {
	if source, err = env.Reader(ctx, from); err != nil {
		return nil, nil, err
	}
	target, err = env.Reader(ctx, to)
	return source, target, err
}
