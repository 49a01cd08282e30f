package plans

import (
	"math"
	"regexp"
)

// field is a line of the table that the whole language hangs on: it decodes plans, makes the JSON Schema,
// and says what the progress of a step depends on.
type field struct {
	name     string
	shape    shape
	required bool
	identity bool     // a change makes the progress of a step worthless; else tuning
	fallback string   // what holds when the field is not given, as a plan would have it; empty: nothing
	also     []string // what other tools call it
	doc      string
}

// object is a mapping with known fields.
type object struct {
	name    string // for messages: "a connection"
	prefix  string // of its fields' names, for messages
	fields  []field
	overlay bool // fields that are not given fall to an outer object of the same kind
	extras  bool // fields that begin with x- are the author's own: a place for anchors
}

func (o *object) field(name string) *field {
	for i := range o.fields {
		if o.fields[i].name == name {
			return &o.fields[i]
		}
	}
	return nil
}

// knownVersion is the version of the plan language.
const knownVersion = 1

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

const nameRule = "lower-case letters, digits and dashes, beginning with a letter or digit"

var (
	nameShape = textShape{pattern: namePattern, rule: nameRule}
	anyText   = textShape{}
)

var planObject = object{name: "a plan", extras: true, fields: []field{
	{name: "version", shape: integerShape{min: math.MinInt64, max: math.MaxInt64}, required: true,
		doc: "The version of the plan language: 1."},
	{name: "name", shape: nameShape, required: true,
		doc: "Names the plan and the state of its runs."},
	{name: "description", shape: anyText,
		doc: "What the plan is for."},
	{name: "env_files", shape: listShape{of: anyText, item: "a file of env_files"}, also: []string{"env_file", "dotenv"},
		doc: "Files of KEY=value lines, looked for beside the plan and then in the working directory. The process environment wins, then the first file that has a name. A missing file is no error."},
	{name: "connections", shape: connectionsShape{}, required: true, also: []string{"endpoints", "databases"},
		doc: "The servers, by the names that steps use."},
	{name: "tuning", shape: objectShape{&tuningObject}, also: []string{"settings", "options"},
		doc: "Tuning of all steps. It may change between two runs of the same plan."},
	{name: "steps", shape: stepsShape{}, required: true, also: []string{"jobs", "tasks"},
		doc: "What to do, in this order."},
}}

var connectionObject = object{name: "a connection", fields: []field{
	{name: "uri", shape: anyText, required: true, also: []string{"url", "connection_string"},
		doc: "The connection string, mongodb:// or mongodb+srv://. Keep it in the environment: ${NAME}."},
	{name: "database", shape: anyText, also: []string{"db", "name"},
		doc: "The database. Required unless the URI names one in its path."},
	{name: "kind", shape: choiceShape{"auto", "cosmos", "mongodb"}, fallback: "auto", also: []string{"type"},
		doc: "What the server is; auto finds out."},
	{name: "request_units", shape: requestUnitsShape{}, fallback: "auto", also: []string{"ru", "rus", "throughput"},
		doc: "Request units a second to stay within on Cosmos DB: a number, a percentage of what is provisioned, auto (100%) or off."},
}}

var tuningObject = object{name: "tuning", overlay: true, fields: []field{
	{name: "workers", shape: integerShape{min: 1, max: 1024, words: map[string]int64{"auto": 0}}, fallback: "auto",
		also: []string{"concurrency", "parallel", "threads"}, doc: "Units of work at a time; auto adapts."},
	{name: "batch_documents", shape: integerShape{min: 1, max: 100_000}, fallback: "2000",
		also: []string{"batch_size"}, doc: "Documents in a batch, at most."},
	{name: "batch_bytes", shape: sizeShape{1 << 10, 48_000_000}, fallback: "16MiB",
		doc: "Bytes in a batch, at most."},
	{name: "unit_documents", shape: integerShape{min: 1, max: math.MaxInt64}, fallback: "50000",
		also: []string{"chunk_size", "partition_size"}, doc: "How large a unit of work to aim for, in documents."},
	{name: "checkpoint_documents", shape: integerShape{min: 1, max: math.MaxInt64}, fallback: "50000",
		doc: "Progress inside a unit is saved at least this often, in documents."},
	{name: "max_memory", shape: sizeShape{16 << 20, 1 << 40}, fallback: "256MiB", also: []string{"memory"},
		doc: "Bound on the bytes of documents in flight."},
	{name: "write_concern", shape: choiceShape{"0", "1", "majority"}, fallback: "1", also: []string{"w"},
		doc: "Who acknowledges a write: 1 the primary, majority most members. 0 nobody, after which the target is asked what arrived."},
	{name: "pool_size", shape: integerShape{min: 1, max: 10_000}, fallback: "100", also: []string{"max_pool_size"},
		doc: "Network connections to a server, at most."},
	{name: "compressors", shape: listShape{of: choiceShape{"zstd", "snappy", "zlib"}, item: "a compressor", unique: true},
		also: []string{"compression"}, doc: "Compression on the wire, the preferred first. None unless given."},
	{name: "reply_timeout", shape: durationShape{}, fallback: "5m", also: []string{"socket_timeout", "timeout"},
		doc: "How long to wait for the reply to a read or a write before its connection is given up and it is tried again."},
	{name: "max_rejects", shape: integerShape{min: 0, max: math.MaxInt64}, fallback: "1000000", also: []string{"max_errors", "reject_limit", "stop_on_error"},
		doc: "A step that has rejected more documents than this gives up. 0 stops it at the first."},
	{name: "retry", shape: objectShape{&retryObject}, also: []string{"retries"},
		doc: "Patience with failures that can pass."},
}}

var retryObject = object{name: "retry", prefix: "retry.", overlay: true, fields: []field{
	{name: "for", shape: durationShape{}, fallback: "10m", also: []string{"timeout"},
		doc: "Time without any progress before giving up."},
	{name: "initial", shape: durationShape{}, fallback: "100ms", doc: "The first pause."},
	{name: "max", shape: durationShape{}, fallback: "30s", doc: "The longest pause."},
}}

var renameObject = object{name: "a renamed collection", fields: []field{
	{name: "from", shape: collectionNameShape{}, required: true, doc: "The name on the source."},
	{name: "to", shape: collectionNameShape{}, required: true, doc: "The name on the target."},
}}

// stepType is a step type as the table has it.
type stepType struct {
	name   string
	doc    string
	fields []field
}

// commonFields are those of every step.
var commonFields = []field{
	{name: "name", shape: nameShape, required: true, doc: "Names the step, once in a plan."},
	{name: "type", shape: anyText, required: true, identity: true, doc: "What the step does."},
	{name: "when", shape: expressionShape{}, also: []string{"if", "condition"},
		doc: "An expression over env, steps.NAME.status and steps.NAME.result of earlier steps; the step is skipped unless it is true."},
	{name: "on_error", shape: choiceShape{OnErrorStop, OnErrorContinue}, fallback: OnErrorStop, also: []string{"on_failure"},
		doc: "What the run does after the step has failed."},
	{name: "tuning", shape: objectShape{&tuningObject}, doc: "Tuning of this step, field by field over the plan's."},
}

var (
	fromField = field{name: "from", shape: anyText, required: true, identity: true, also: []string{"source"},
		doc: "The connection to read from."}
	toField = field{name: "to", shape: anyText, required: true, identity: true, also: []string{"target", "destination"},
		doc: "The connection to write to."}
	compareToField = field{name: "to", shape: anyText, required: true, identity: true, also: []string{"target", "destination"},
		doc: "The connection to compare with."}
	collectionsField = field{name: "collections", identity: true, also: []string{"collection"},
		shape: listShape{of: collectionShape{}, item: "an entry of collections", least: 1},
		doc:   "Names, patterns (orders-*) and renames ({from: a, to: b}); every collection unless given."}
	excludeField = field{name: "exclude", shape: listShape{of: patternShape{}, item: "a pattern of exclude"}, identity: true,
		also: []string{"ignore"}, doc: "Patterns of collections to leave out."}
	queryField = field{name: "query", shape: queryShape{}, identity: true,
		doc: "MQL that the server evaluates, as a mapping of extended JSON."}

	filterField = field{name: "filter", shape: expressionShape{}, identity: true, also: []string{"where"},
		doc: "An expression over doc; documents of the source for which it is not true are left out."}
	setField = field{name: "set", shape: assignmentsShape{}, identity: true, also: []string{"transform"},
		doc: "Expressions over doc by the path of the field they give a value to."}
	unsetField = field{name: "unset", shape: listShape{of: anyText, item: "a path of unset", unique: true}, identity: true, also: []string{"remove"},
		doc: "Paths of fields to remove."}
)

var stepTypes = []stepType{
	{TypeCheckConnections, "Check that servers answer, what they are and what the user may do there.", []field{
		{name: "connections", shape: listShape{of: anyText, item: "a connection", unique: true}, identity: true,
			doc: "The connections to check; all of them unless given."},
	}},
	{TypeExtractIndexes, "Read the index definitions of collections.", []field{
		fromField, collectionsField, excludeField,
		{name: "output", shape: anyText, identity: true, also: []string{"file"},
			doc: "A YAML file to write them to, relative to the plan's folder."},
	}},
	{TypeGenerate, "Write generated service orders, the same ones for the same seed.", []field{
		toField,
		{name: "collection", shape: collectionNameShape{}, required: true, identity: true, also: []string{"collections"},
			doc: "The collection to fill."},
		{name: "documents", shape: integerShape{min: 0, max: math.MaxInt64}, required: true, identity: true, also: []string{"count", "total"},
			doc: "How many documents."},
		{name: "seed", shape: integerShape{min: math.MinInt64, max: math.MaxInt64}, fallback: "1", identity: true,
			doc: "What the documents follow from."},
		{name: "append", shape: booleanShape{}, fallback: "false",
			doc: "Write into a collection that is not empty."},
	}},
	{TypeCopy, "Copy collections from one server to another.", []field{
		fromField, toField, collectionsField, excludeField,
		{name: "read", shape: choiceShape{ReadIDs, ReadChangeStream}, fallback: ReadIDs, identity: true, also: []string{"reading"},
			doc: "How the source is read: by ranges of _id, or, on Cosmos DB, by a change stream of each physical partition."},
		{name: "query", shape: queryShape{}, identity: true, doc: "MQL that the source evaluates, as a mapping of extended JSON."},
		filterField, setField, unsetField,
		{name: "on_conflict", shape: choiceShape{ConflictFail, ConflictSkip, ConflictReplace}, fallback: ConflictFail,
			doc: "A document with this _id is there already and differs."},
	}},
	{TypeCreateIndexes, "Create indexes that an extract-indexes step read, or those of a file.", []field{
		toField,
		{name: "indexes", shape: anyText, identity: true, also: []string{"from"}, doc: "The extract-indexes step."},
		{name: "file", shape: anyText, identity: true, doc: "A file of indexes, relative to the plan's folder."},
		{name: "collections", identity: true, shape: collectionsField.shape,
			doc: "Which collections' indexes, and renames ({from: a, to: b}) as in the copy; all under their own names unless given."},
		excludeField,
	}},
	{TypeVerifyCounts, "Compare the numbers of documents of both sides.", []field{
		fromField, compareToField, collectionsField, excludeField, queryField, filterField,
		{name: "count", shape: choiceShape{CountExact, CountEstimated}, fallback: CountExact, identity: true,
			doc: "Count documents, or ask for the server's estimate."},
	}},
	{TypeVerifyContent, "Compare the documents of both sides.", []field{
		fromField, compareToField, collectionsField, excludeField, queryField, filterField, setField, unsetField,
		{name: "repair", shape: booleanShape{}, fallback: "false", identity: true,
			doc: "Copy what is missing or differs, and compare again."},
		{name: "sample", shape: percentShape{}, identity: true,
			doc: "Look at a part of the documents only: 1%."},
	}},
	{TypeVerifyIndexes, "Compare the indexes of the target with those that it should have.", []field{
		{name: "from", shape: anyText, identity: true, also: []string{"source"},
			doc: "The connection whose indexes the target should have, as far as it takes them."},
		{name: "indexes", shape: anyText, identity: true, doc: "Instead of from: the extract-indexes step."},
		{name: "file", shape: anyText, identity: true, doc: "Instead of from: a file of indexes, relative to the plan's folder."},
		compareToField, collectionsField, excludeField,
	}},
	{TypeDump, "Write collections to files, in the formats of mongodump.", []field{
		fromField, collectionsField, excludeField, queryField,
		{name: "output", shape: anyText, required: true, identity: true, also: []string{"out", "file", "directory"},
			doc: "Where the dump goes, relative to the plan's folder: a directory, or a file for an archive."},
		{name: "format", shape: choiceShape{FormatDirectory, FormatArchive}, fallback: FormatDirectory, identity: true, also: []string{"archive"},
			doc: "A directory with a file for each collection, or one archive of all."},
		{name: "gzip", shape: booleanShape{}, fallback: "false", identity: true, also: []string{"compress"},
			doc: "Compress the files."},
	}},
	{TypeRestore, "Bring collections from a dump of mongodump or of a dump step.", []field{
		{name: "input", shape: anyText, required: true, identity: true, also: []string{"file", "directory", "archive", "dir"},
			doc: "The dump, relative to the plan's folder: a directory, or an archive. Both may be compressed by gzip."},
		{name: "database", shape: anyText, identity: true, also: []string{"db"},
			doc: "The database of the dump; the only one it has, or the one of the target's name, unless given."},
		toField, collectionsField, excludeField,
		{name: "on_conflict", shape: choiceShape{ConflictFail, ConflictSkip, ConflictReplace}, fallback: ConflictFail,
			doc: "A document with this _id is there already and differs."},
		{name: "indexes", shape: booleanShape{}, fallback: "true", identity: true,
			doc: "Create the indexes of the dump when the documents are there."},
	}},
}

// stepObject returns the fields of a step of that type, nil for an unknown type.
func stepObject(name string) *object {
	for _, t := range stepTypes {
		if t.name == name {
			fields := append([]field{}, commonFields...)
			return &object{name: "a " + name + " step", fields: append(fields, t.fields...)}
		}
	}
	return nil
}

func stepTypeNames() []string {
	var names []string
	for _, t := range stepTypes {
		names = append(names, t.name)
	}
	return names
}
