package plans

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// What no field can tell alone: names that must exist, and fields that must fit one another.

func (b *builder) checkVersion(root *record) {
	if !root.bad["version"] && b.plan.Version != knownVersion {
		b.reportAt(root.at("version"), "", "version %s is not known; this vida knows version %d of the plan language",
			root.at("version").show(), knownVersion)
	}
}

func (b *builder) checkConnection(c *Connection, r *record) {
	b.dubious[c.Name] = r.failed
	if r.bad["uri"] {
		return
	}
	server, problem := parseURI(c.URI)
	if problem != nil {
		b.dubious[c.Name] = true
		b.reportAt(r.at("uri"), firstOf(problem.hint, b.origin(r.at("uri"))), "the uri of %s %s", c.Name, problem.message)
		return
	}
	b.servers[c] = server
	switch {
	case r.bad["database"]:
	case r.given("database") && c.Database != "":
		if problem := checkDatabase(c.Database); problem != "" {
			b.dubious[c.Name] = true
			b.reportAt(r.at("database"), b.origin(r.at("database")), "database %s cannot be one: %s", r.at("database").show(), problem)
		}
	case server.database != "":
		c.Database = server.database
	default:
		b.dubious[c.Name] = true
		b.reportAt(r.value, "give a database here, or in the path of the uri", "connection %s has no database", c.Name)
	}
}

func (b *builder) checkTuning(t Tuning, r *record) {
	if r == nil || r.failed {
		return
	}
	if t.BatchBytes > t.MaxMemory {
		field := "batch_bytes"
		if !r.given(field) {
			field = "max_memory"
		}
		b.reportAt(r.at(field), "", "batch_bytes (%s) is above max_memory (%s)", formatSize(t.BatchBytes), formatSize(t.MaxMemory))
	}
	retry := get[*record](r, "retry")
	if retry == nil || t.Retry.Initial <= t.Retry.Max {
		return
	}
	field := "initial"
	if !retry.given(field) {
		field = "max"
	}
	b.reportAt(retry.at(field), "", "retry.initial (%s) is above retry.max (%s)", formatDuration(t.Retry.Initial), formatDuration(t.Retry.Max))
}

func (b *builder) checkSteps() {
	seen := map[string]*Step{}
	for i, s := range b.plan.Steps {
		r := b.records[s]
		if first := seen[s.Name]; first != nil && s.Name != "" {
			b.reportAt(r.at("name"), fmt.Sprintf("the first is on line %d", first.Position.Line), "two steps are called %q", s.Name)
		} else {
			seen[s.Name] = s
		}
		b.checkReference(r, "from")
		b.checkReference(r, "to")
		for _, item := range get[[]listItem](r, "connections") {
			b.checkConnectionName(item.value, item.decoded)
		}
		b.checkCollections(r)
		b.compileWhen(s, i)
		switch spec := s.Spec.(type) {
		case *CreateIndexesSpec:
			b.checkIndexes(r, i, "indexes", "file")
		case *VerifyIndexesSpec:
			b.checkIndexes(r, i, "from", "indexes", "file")
		case *CopySpec:
			b.checkOntoItself(spec, r)
			b.checkReading(spec, r)
		}
	}
}

// checkReference reports a field that names no connection.
func (b *builder) checkReference(r *record, field string) {
	if f := r.fields[field]; f.value != nil {
		b.checkConnectionName(f.value, f.decoded)
	}
}

func (b *builder) checkConnectionName(v *value, decoded any) {
	name, _ := decoded.(string)
	if len(b.plan.Connections) == 0 || b.plan.Connection(name) != nil {
		return
	}
	var names []string
	for _, c := range b.plan.Connections {
		names = append(names, c.Name)
	}
	b.reportAt(v, suggest(name, names), "there is no connection %s", v.show())
}

// checkCollections reports collections that would end up in one, as far as their names tell.
func (b *builder) checkCollections(r *record) {
	taken := map[string]CollectionName{}
	read := map[string]bool{}
	for _, item := range get[[]listItem](r, "collections") {
		c, ok := item.decoded.(CollectionName)
		if !ok {
			continue
		}
		if read[c.From] {
			b.reportAt(item.value, "", "collection %q is listed twice", c.From)
		} else if other, ok := taken[c.To]; ok {
			b.reportAt(item.value, "", "%q and %q would both become %q", other.From, c.From, c.To)
		}
		read[c.From], taken[c.To] = true, c
	}
}

// checkIndexes checks where a step takes its indexes from: one of the fields named.
func (b *builder) checkIndexes(r *record, index int, fields ...string) {
	var given []string
	var choices []string
	for _, field := range fields {
		if r.bad[field] {
			return
		}
		if r.given(field) && get[string](r, field) != "" {
			given = append(given, field)
		}
		choices = append(choices, map[string]string{"from": "`from: CONNECTION`", "indexes": "`indexes: STEP`", "file": "`file: PATH`"}[field])
	}
	last := len(fields) - 1
	choice := "give " + strings.Join(choices[:last], ", ") + " or " + choices[last]
	stepType := get[string](r, "type")
	switch {
	case len(given) > 1:
		b.reportAt(r.at(given[1]), choice, "%s takes %s or %s, not both", stepType, given[0], given[1])
		return
	case len(given) == 0:
		b.reportAt(r.value, choice, `a %s step needs the field "%s" or %q`, stepType, strings.Join(fields[:last], `", "`), fields[last])
		return
	case given[0] == "file":
		b.checkIndexFile(r)
		return
	case given[0] != "indexes":
		return
	}
	named := get[string](r, "indexes")
	at := r.at("indexes")
	var extracts []string
	for _, earlier := range b.plan.Steps[:index] {
		if earlier.Type == TypeExtractIndexes {
			extracts = append(extracts, earlier.Name)
		}
	}
	if slices.Contains(extracts, named) {
		return
	}
	place := slices.IndexFunc(b.plan.Steps, func(s *Step) bool { return s.Name == named })
	switch {
	case place < 0:
		b.reportAt(at, suggest(named, extracts), "there is no step %s", at.show())
	case b.plan.Steps[place].Type != TypeExtractIndexes:
		b.reportAt(at, suggest("", extracts), "step %s is not an extract-indexes step", at.show())
	default:
		b.reportAt(at, "move it before this one", "step %s comes later", at.show())
	}
}

// checkIndexFile looks into a file of indexes where it is there. It need not be: another step, or another plan, may
// write it.
func (b *builder) checkIndexFile(r *record) {
	at := r.at("file")
	if b.options.IndexFile == nil {
		return
	}
	path := b.plan.Beside(get[string](r, "file"))
	text, err := b.options.ReadFile(path)
	switch {
	case err == nil:
		b.found = append(b.found, b.options.IndexFile(path, text)...)
	case !errors.Is(err, fs.ErrNotExist):
		b.reportAt(at, "", "the index file %s cannot be read: %v", at.show(), cause(err))
	}
}

// checkReading reports what a change stream cannot be together with.
func (b *builder) checkReading(spec *CopySpec, r *record) {
	if spec.Read != ReadChangeStream || r.bad["read"] {
		return
	}
	if c := b.plan.Connection(spec.From); c != nil && c.Kind == "mongodb" && !b.dubious[spec.From] {
		b.reportAt(r.at("read"), "leave it out: by ranges of _id, the default, any server is read",
			"connection %s is of kind mongodb, and only Cosmos DB has a change stream of each physical partition", c.Name)
	}
	if r.given("query") {
		b.reportAt(r.at("query"), "use filter, which is judged here and not by the source, or read: ids",
			"a change stream takes no query")
	}
}

// checkOntoItself reports a copy whose target is its source.
func (b *builder) checkOntoItself(spec *CopySpec, r *record) {
	from, to := b.plan.Connection(spec.From), b.plan.Connection(spec.To)
	if from == nil || to == nil || b.dubious[spec.From] || b.dubious[spec.To] || r.bad["collections"] {
		return
	}
	a, c := b.servers[from], b.servers[to]
	if from.Database != to.Database || a.srv != c.srv || !slices.Equal(a.hosts, c.hosts) {
		return
	}
	same := func(v *value, name string) {
		b.reportAt(v, "source and target are the same server and database", "this copies %s onto itself", name)
	}
	items := get[[]listItem](r, "collections")
	for _, item := range items {
		if name, ok := item.decoded.(CollectionName); ok && name.From == name.To {
			same(item.value, from.Database+"."+name.From)
		}
	}
	if len(items) == 0 {
		same(r.at("to"), "all of "+from.Database)
	}
}
