// Package plans is the plan language: a YAML file becomes a checked [Plan], or a list of
// diagnostics that each point at their place in the file.
//
// A plan is data. Nothing here opens a connection or a state file.
package plans

import (
	"path/filepath"
	"time"

	"vida/plans/expression"
)

// Plan is a plan that passed every check, with every ${NAME} resolved and every default applied.
type Plan struct {
	File        string // as the operator named it
	Source      []byte // the file's bytes, ${NAME} unresolved: the only form that is ever stored
	Version     int
	Name        string
	Description string
	EnvFiles    []string
	Connections []*Connection // in the file's order
	Tuning      Tuning
	Steps       []*Step // in the file's order

	// Env is what `env` means in an expression: the process environment, then env_files, then --set,
	// by the precedence of the plan language. It holds secrets; never store or print it.
	Env map[string]string
}

// Beside is the path of a file that the plan names, which is relative to the plan's folder.
func (p *Plan) Beside(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(p.File), file)
}

// Connection returns the connection of that name, or nil.
func (p *Plan) Connection(name string) *Connection {
	for _, c := range p.Connections {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Step returns the step of that name, or nil.
func (p *Plan) Step(name string) *Step {
	for _, s := range p.Steps {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Position is a place in the plan file, both counted from 1.
type Position struct {
	Line   int
	Column int
}

// Connection is one server that steps name by `from` and `to`.
type Connection struct {
	Name         string
	URI          string // a secret
	Database     string
	Kind         string // auto, cosmos or mongodb
	RequestUnits RequestUnits
	Position     Position
}

// RequestUnits is the budget a connection stays within.
type RequestUnits struct {
	Off      bool
	PerSec   float64 // a fixed number of RU/s; 0 when not given
	Fraction float64 // of what is provisioned, 0 to 1; 1 for auto
}

// Tuning is what may change between two runs of one plan without touching what was done.
type Tuning struct {
	Workers             int   // units at a time; 0 adapts
	BatchDocuments      int   // documents in a batch
	BatchBytes          int64 // bytes in a batch
	UnitDocuments       int64 // documents in a unit, aimed for
	CheckpointDocuments int64 // at least one checkpoint inside a unit in so many documents
	MaxMemory           int64 // document bytes in flight
	WriteConcern        string
	PoolSize            int
	Compressors         []string
	ReplyTimeout        time.Duration // for one read or write, before its connection is given up
	MaxRejects          int64         // of a step, before it gives up
	Retry               Retry
}

// Retry bounds the patience with failures that can pass.
type Retry struct {
	For     time.Duration // without any progress, before giving up
	Initial time.Duration
	Max     time.Duration
}

// OnError says what a run does after a step has failed.
const (
	OnErrorStop     = "stop"
	OnErrorContinue = "continue"
)

// Step is one step of a plan. Spec is a pointer to one of the *Spec types of this package.
type Step struct {
	Name     string
	Type     string
	When     *expression.Condition // nil: always
	OnError  string
	Tuning   Tuning // the plan's, overlaid with the step's own
	Spec     Spec
	Position Position

	// Identity holds what the step's progress belongs to: field path to value, for each identity field,
	// namespaces written out in full ("serviceorders.orders"). Free of secrets. Two runs with equal
	// identities go on with one another's progress.
	Identity map[string]string
}

// Spec is what a step type adds to a step.
type Spec interface {
	StepType() string
}

// The step types.
const (
	TypeCheckConnections = "check-connections"
	TypeExtractIndexes   = "extract-indexes"
	TypeGenerate         = "generate"
	TypeCopy             = "copy"
	TypeCreateIndexes    = "create-indexes"
	TypeVerifyCounts     = "verify-counts"
	TypeVerifyContent    = "verify-content"
	TypeVerifyIndexes    = "verify-indexes"
	TypeDump             = "dump"
	TypeRestore          = "restore"
)

// CheckConnectionsSpec checks the named connections, all of the plan's where none is named.
type CheckConnectionsSpec struct {
	Connections []string
}

// CollectionName is one entry of `collections`: a name or a pattern (From with *), or a rename.
type CollectionName struct {
	From     string
	To       string // equals From unless renamed
	Position Position
}

// IsPattern tells whether the entry names collections by a pattern.
func (c CollectionName) IsPattern() bool {
	for _, r := range c.From {
		if r == '*' || r == '?' || r == '[' {
			return true
		}
	}
	return false
}

// Selection is which collections of a connection a step is about.
type Selection struct {
	Collections []CollectionName
	Exclude     []string // patterns
}

// ExtractIndexesSpec reads index definitions.
type ExtractIndexesSpec struct {
	From string
	Selection
	Output string // a YAML file to write; empty: kept in the state only. Relative to the plan's folder.
}

// GenerateSpec writes generated service orders.
type GenerateSpec struct {
	To         string
	Collection string
	Documents  int64
	Seed       int64
	Append     bool
}

// Conflict policies: what happens where a document of this _id is there already and differs.
const (
	ConflictFail    = "fail"
	ConflictSkip    = "skip"
	ConflictReplace = "replace"
)

// Ways of reading a collection.
const (
	ReadIDs          = "ids"           // by ranges of _id
	ReadChangeStream = "change-stream" // by a change stream of each physical partition, on Cosmos DB
)

// CopySpec copies collections.
type CopySpec struct {
	From string
	To   string
	Selection
	Read       string
	Query      []byte                // a BSON document; nil: every document
	Transform  *expression.Transform // filter, set and unset; nil: documents pass unparsed
	OnConflict string
}

// CreateIndexesSpec creates the indexes that an extract-indexes step read, or those of a file.
type CreateIndexesSpec struct {
	To      string
	Indexes string // name of an extract-indexes step; empty when File is given
	File    string // relative to the plan's folder

	// Selection narrows the indexes to those of some collections and says what these are called in the
	// target; empty: all of them, under their own names.
	Selection
}

// Ways of counting.
const (
	CountExact     = "exact"
	CountEstimated = "estimated"
)

// VerifyCountsSpec compares the counts of both sides.
type VerifyCountsSpec struct {
	From string
	To   string
	Selection
	Query     []byte                // a BSON document counted on both sides; nil: every document
	Transform *expression.Transform // the filter that the copy had, applied to the source's documents; nil: none
	Count     string
}

// VerifyContentSpec compares the documents of both sides.
type VerifyContentSpec struct {
	From string
	To   string
	Selection
	Query     []byte
	Transform *expression.Transform // what the copy made of the source's documents; nil: they are compared as they are
	Repair    bool
	Sample    float64 // fraction of the documents to look at, 0 to 1; 0 and 1 mean all
}

// VerifyIndexesSpec compares the indexes of the target with those that it should have: the source's, as the target
// takes them, or those of an extract-indexes step or of a file. Exactly one of From, Indexes and File is given.
type VerifyIndexesSpec struct {
	From    string
	Indexes string
	File    string // relative to the plan's folder
	To      string
	Selection
}

// The formats of a dump.
const (
	FormatDirectory = "directory"
	FormatArchive   = "archive"
)

// DumpSpec writes collections to files, in the formats of mongodump.
type DumpSpec struct {
	From string
	Selection
	Query  []byte // a BSON document; nil: every document
	Output string // a directory or an archive, relative to the plan's folder
	Format string
	Gzip   bool
}

// RestoreSpec brings collections from files such as mongodump writes.
type RestoreSpec struct {
	Input    string // a directory or an archive, relative to the plan's folder
	Database string // of the dump; empty: the only one, or that of the target
	To       string
	Selection
	OnConflict string
	Indexes    bool // those of the dump are created
}

// StepType implements Spec.
func (*CheckConnectionsSpec) StepType() string { return TypeCheckConnections }

// StepType implements Spec.
func (*ExtractIndexesSpec) StepType() string { return TypeExtractIndexes }

// StepType implements Spec.
func (*GenerateSpec) StepType() string { return TypeGenerate }

// StepType implements Spec.
func (*CopySpec) StepType() string { return TypeCopy }

// StepType implements Spec.
func (*CreateIndexesSpec) StepType() string { return TypeCreateIndexes }

// StepType implements Spec.
func (*VerifyCountsSpec) StepType() string { return TypeVerifyCounts }

// StepType implements Spec.
func (*VerifyContentSpec) StepType() string { return TypeVerifyContent }

// StepType implements Spec.
func (*VerifyIndexesSpec) StepType() string { return TypeVerifyIndexes }

// StepType implements Spec.
func (*DumpSpec) StepType() string { return TypeDump }

// StepType implements Spec.
func (*RestoreSpec) StepType() string { return TypeRestore }
