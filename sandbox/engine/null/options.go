// Package null is a MongoDB server that costs nearly nothing. It serves a virtual collection of any size,
// computed while it is sent, and it takes the same documents back, checking every byte of each against what
// its _id says it must be, and keeping of it one bit.
//
// It is for judging the speed and the correctness of what reads from one and writes to another.
package null

import (
	"fmt"
	"slices"
)

// IDKind is the type of the virtual documents' _id.
type IDKind string

// The types of _id there are.
const (
	ObjectID IDKind = "objectid"
	Int      IDKind = "int" // 64 bits
	String   IDKind = "string"
	UUID     IDKind = "uuid" // binary of subtype 4
)

// IDKinds returns every type of _id, the default first.
func IDKinds() []IDKind { return []IDKind{ObjectID, Int, String, UUID} }

// The limits of the options.
const (
	MaxDocuments     = 10_000_000_000
	MinDocumentBytes = 128
	MaxDocumentBytes = 16 << 20
)

// Options describe the virtual collection. A source and a target that are to agree need equal ones.
type Options struct {
	Documents     int64
	IDKind        IDKind
	Skew          bool // 90 % of the _ids lie in 1 % of their range
	DocumentBytes int  // of every document
	Altered       []Alteration
	Database      string
	Collection    string // the only one that a source has
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Documents < 0 || o.Documents > MaxDocuments:
		return fmt.Errorf("%d documents: there can be 0 to %d", o.Documents, int64(MaxDocuments))
	case !slices.Contains(IDKinds(), o.IDKind):
		return fmt.Errorf("unknown type of _id %q: there are %v", o.IDKind, IDKinds())
	case o.DocumentBytes < MinDocumentBytes || o.DocumentBytes > MaxDocumentBytes:
		return fmt.Errorf("documents of %d bytes: a document can have %d to %d", o.DocumentBytes, MinDocumentBytes, MaxDocumentBytes)
	case o.Database == "" || o.Collection == "":
		return fmt.Errorf("namespace %q.%q: both names are needed", o.Database, o.Collection)
	}
	return nil
}
