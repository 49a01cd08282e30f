package plans

import (
	"maps"
	"slices"
	"strings"
)

// scope is what names mean in a plan: --set first, then the process environment, then the environment
// files in their order.
type scope struct {
	layers []layer
}

// layer is one place where names are given values.
type layer struct {
	origin string // for messages: "--set", "the environment", or a file
	values map[string]string
}

func newScope(set map[string]string, environ []string) *scope {
	process := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			process[name] = value
		}
	}
	return &scope{layers: []layer{{origin: "--set", values: set}, {origin: "the environment", values: process}}}
}

// add gives names their values where no earlier layer does.
func (s *scope) add(origin string, values map[string]string) {
	s.layers = append(s.layers, layer{origin: origin, values: values})
}

func (s *scope) lookup(name string) (value string, ok bool) {
	for _, l := range s.layers {
		if value, ok = l.values[name]; ok {
			return value, true
		}
	}
	return "", false
}

// origin returns where a name gets its value, or "".
func (s *scope) origin(name string) string {
	for _, l := range s.layers {
		if _, ok := l.values[name]; ok {
			return l.origin
		}
	}
	return ""
}

// all returns every name with the value that counts.
func (s *scope) all() map[string]string {
	merged := map[string]string{}
	for _, l := range slices.Backward(s.layers) {
		maps.Copy(merged, l.values)
	}
	return merged
}

// howToSet returns a hint for a name without a value. A name that is set and differs by a letter or two is
// probably the one that was meant.
func (s *scope) howToSet(name string) string {
	var set []string
	for _, l := range s.layers {
		set = append(set, slices.Sorted(maps.Keys(l.values))...)
	}
	near, nearDistance := "", min(3, max(1, len(name)/4)+1)
	for _, candidate := range set {
		if d := distance(name, candidate, nearDistance); d > 0 && d < nearDistance {
			near, nearDistance = candidate, d
		}
	}
	if near != "" {
		return near + " is set: is one of the two misspelt?"
	}
	hint := "set it in the environment"
	var files []string
	for _, l := range s.layers[2:] {
		files = append(files, l.origin)
	}
	if len(files) > 0 {
		hint += ", in " + strings.Join(files, " or ")
	}
	return hint + ", or with --set " + name + "=..."
}
