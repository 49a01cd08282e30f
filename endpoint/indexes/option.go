package indexes

import "slices"

// kind is what an option's value must be.
type kind int

const (
	flagKind kind = iota
	numberKind
	textKind
	documentKind
)

func (k kind) String() string {
	return [...]string{"true or false", "a number", "a text", "a mapping"}[k]
}

// option is an entry of the whitelist: all that is ever sent to a target.
type option struct {
	name     string
	kind     kind
	only     string // the type of index that it belongs to: text, 2d, 2dsphere, geoHaystack, wildcard; empty: any
	fallback any    // what a server assumes when it is not given; nil: nothing
	assigned bool   // where it is not given, the server chooses and lists a value
}

// whitelist is every option of createIndexes, in the order in which definitions are written.
var whitelist = []option{
	{name: "unique", kind: flagKind, fallback: false},
	{name: "sparse", kind: flagKind, fallback: false},
	{name: "hidden", kind: flagKind, fallback: false},
	{name: "expireAfterSeconds", kind: numberKind},
	{name: "partialFilterExpression", kind: documentKind},
	{name: "collation", kind: documentKind},
	{name: "wildcardProjection", kind: documentKind, only: "wildcard"},
	{name: "weights", kind: documentKind, only: "text", assigned: true},
	{name: "default_language", kind: textKind, only: "text", fallback: "english"},
	{name: "language_override", kind: textKind, only: "text", fallback: "language"},
	{name: "textIndexVersion", kind: numberKind, only: "text", assigned: true},
	{name: "2dsphereIndexVersion", kind: numberKind, only: "2dsphere", assigned: true},
	{name: "bits", kind: numberKind, only: "2d", fallback: 26.0},
	{name: "min", kind: numberKind, only: "2d", fallback: -180.0},
	{name: "max", kind: numberKind, only: "2d", fallback: 180.0},
	{name: "bucketSize", kind: numberKind, only: "geoHaystack"},
	{name: "storageEngine", kind: documentKind},
}

// bookkeeping are fields of a listing that say nothing about what the index does: every server sets its own.
var bookkeeping = []string{"v", "ns", "background", "safe", "dropDups", "buildUUID", "indexBuildInfo"}

// keyTypes are the words that stand for a type of index in a key.
var keyTypes = []string{"text", "2d", "2dsphere", "hashed", "geoHaystack"}

// storageEngines are those whose options createIndexes takes. DocumentDB lists others as its own bookkeeping.
var storageEngines = []string{"wiredTiger", "inMemory"}

func lookUp(name string) (option, bool) {
	n := place(name)
	if n == len(whitelist) {
		return option{}, false
	}
	return whitelist[n], true
}

// place is an option's place in the whitelist, or the place after it.
func place(name string) int {
	if n := slices.IndexFunc(whitelist, func(o option) bool { return o.name == name }); n >= 0 {
		return n
	}
	return len(whitelist)
}
