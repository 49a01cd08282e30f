package plans

import (
	"slices"
	"time"

	"vida/plans/expression"
)

// builder makes a plan of decoded records. Where a record was reported, the plan has a hole; it is handed
// out only when nothing was reported.
type builder struct {
	*decoder
	plan    *Plan
	records map[*Step]*record       // of the steps
	servers map[*Connection]address // of the connections whose URI can be read
	dubious map[string]bool         // connections with a mistake, of which no more is said
	options Options
}

// build makes a plan of its root record, checking what no field can tell alone.
func (b *builder) build(root *record) {
	p := b.plan
	p.Version = int(get[int64](root, "version"))
	b.checkVersion(root)
	p.Name, p.Description = get[string](root, "name"), get[string](root, "description")
	p.EnvFiles = texts(root, "env_files")
	p.Tuning = overlayTuning(b.defaultTuning(), get[*record](root, "tuning"))
	b.checkTuning(p.Tuning, get[*record](root, "tuning"))
	b.connections(root)
	for _, r := range get[[]*record](root, "steps") {
		if r != nil {
			p.Steps = append(p.Steps, b.step(r))
		}
	}
	b.checkSteps()
	for _, s := range p.Steps {
		s.Identity = b.identity(s)
	}
}

func (b *builder) connections(root *record) {
	named := get[[]namedRecord](root, "connections")
	if !root.bad["connections"] && len(named) == 0 {
		b.reportAt(root.at("connections"), "", "a plan needs at least one connection")
	}
	for _, n := range named {
		c := &Connection{Name: n.name, Position: n.key}
		b.plan.Connections = append(b.plan.Connections, c)
		if n.record == nil {
			b.dubious[n.name] = true
			continue
		}
		c.URI, c.Database = get[string](n.record, "uri"), get[string](n.record, "database")
		c.Kind, c.RequestUnits = get[string](n.record, "kind"), get[RequestUnits](n.record, "request_units")
		b.checkConnection(c, n.record)
	}
}

func (b *builder) step(r *record) *Step {
	s := &Step{
		Name: get[string](r, "name"), Type: get[string](r, "type"), OnError: get[string](r, "on_error"),
		Position: r.value.position(),
	}
	s.Tuning = overlayTuning(b.plan.Tuning, get[*record](r, "tuning"))
	b.checkTuning(s.Tuning, get[*record](r, "tuning"))
	s.Spec = b.spec(s.Type, r)
	b.records[s] = r
	return s
}

// spec returns nil for a type that was reported as unknown.
func (b *builder) spec(stepType string, r *record) Spec {
	from, to := get[string](r, "from"), get[string](r, "to")
	query := get[[]byte](r, "query")
	switch stepType {
	case TypeCheckConnections:
		return &CheckConnectionsSpec{Connections: texts(r, "connections")}
	case TypeExtractIndexes:
		return &ExtractIndexesSpec{From: from, Selection: selection(r), Output: get[string](r, "output")}
	case TypeGenerate:
		return &GenerateSpec{
			To: to, Collection: get[string](r, "collection"), Documents: get[int64](r, "documents"),
			Seed: get[int64](r, "seed"), Append: get[bool](r, "append"),
		}
	case TypeCopy:
		return &CopySpec{
			From: from, To: to, Selection: selection(r), Query: query,
			Read: get[string](r, "read"), Transform: b.transform(r), OnConflict: get[string](r, "on_conflict"),
		}
	case TypeCreateIndexes:
		return &CreateIndexesSpec{
			To: to, Indexes: get[string](r, "indexes"), File: get[string](r, "file"), Selection: selection(r),
		}
	case TypeVerifyCounts:
		return &VerifyCountsSpec{
			From: from, To: to, Selection: selection(r), Query: query, Transform: b.transform(r), Count: get[string](r, "count"),
		}
	case TypeVerifyContent:
		return &VerifyContentSpec{
			From: from, To: to, Selection: selection(r), Query: query, Transform: b.transform(r),
			Repair: get[bool](r, "repair"), Sample: get[float64](r, "sample"),
		}
	case TypeDump:
		return &DumpSpec{
			From: from, Selection: selection(r), Query: query, Output: get[string](r, "output"),
			Format: get[string](r, "format"), Gzip: get[bool](r, "gzip"),
		}
	case TypeRestore:
		return &RestoreSpec{
			Input: get[string](r, "input"), Database: get[string](r, "database"), To: to, Selection: selection(r),
			OnConflict: get[string](r, "on_conflict"), Indexes: get[bool](r, "indexes"),
		}
	case TypeVerifyIndexes:
		return &VerifyIndexesSpec{
			From: from, Indexes: get[string](r, "indexes"), File: get[string](r, "file"), To: to, Selection: selection(r),
		}
	}
	return nil
}

// transform compiles filter, set and unset; nil when there is none, or when it was reported.
func (b *builder) transform(r *record) *expression.Transform {
	if r.bad["filter"] || r.bad["set"] || r.bad["unset"] || !r.given("filter") && !r.given("set") && !r.given("unset") {
		return nil
	}
	return b.compileTransform(get[*value](r, "filter"), get[[]fieldValue](r, "set"), get[[]listItem](r, "unset"))
}

func selection(r *record) Selection {
	var s Selection
	for _, item := range get[[]listItem](r, "collections") {
		name, _ := item.decoded.(CollectionName)
		s.Collections = append(s.Collections, name)
	}
	s.Exclude = texts(r, "exclude")
	return s
}

// texts returns a field that is a list of strings.
func texts(r *record, name string) []string {
	var list []string
	for _, item := range get[[]listItem](r, name) {
		text, _ := item.decoded.(string)
		list = append(list, text)
	}
	return list
}

// defaultTuning is what the field table says where no plan does.
func (b *builder) defaultTuning() Tuning {
	return overlayTuning(Tuning{Retry: overlayRetry(Retry{}, b.fallbacks(&retryObject))}, b.fallbacks(&tuningObject))
}

// fallbacks returns a record of what holds when nothing is given.
func (b *builder) fallbacks(o *object) *record {
	r := &record{fields: map[string]decodedField{}}
	for i := range o.fields {
		if f := &o.fields[i]; f.fallback != "" {
			r.fields[f.name] = decodedField{decoded: b.fallback(f)}
		}
	}
	return r
}

// overlayTuning returns t with the fields that r has.
func overlayTuning(t Tuning, r *record) Tuning {
	if r == nil {
		return t
	}
	overlayInteger(&t.Workers, r, "workers")
	overlayInteger(&t.BatchDocuments, r, "batch_documents")
	overlay(&t.BatchBytes, r, "batch_bytes")
	overlay(&t.UnitDocuments, r, "unit_documents")
	overlay(&t.CheckpointDocuments, r, "checkpoint_documents")
	overlay(&t.MaxMemory, r, "max_memory")
	overlay(&t.WriteConcern, r, "write_concern")
	overlayInteger(&t.PoolSize, r, "pool_size")
	overlay(&t.ReplyTimeout, r, "reply_timeout")
	overlay(&t.MaxRejects, r, "max_rejects")
	t.Compressors = slices.Clone(t.Compressors)
	if _, ok := r.fields["compressors"]; ok {
		t.Compressors = texts(r, "compressors")
	}
	t.Retry = overlayRetry(t.Retry, get[*record](r, "retry"))
	return t
}

func overlayRetry(t Retry, r *record) Retry {
	if r != nil {
		overlay[time.Duration](&t.For, r, "for")
		overlay(&t.Initial, r, "initial")
		overlay(&t.Max, r, "max")
	}
	return t
}

func overlay[T any](target *T, r *record, name string) {
	if decoded, ok := r.fields[name].decoded.(T); ok {
		*target = decoded
	}
}

func overlayInteger(target *int, r *record, name string) {
	if n, ok := r.fields[name].decoded.(int64); ok {
		*target = int(n)
	}
}
