// Package endpoint is one server as a source or a target: dialling, what the server is, reading and writing
// document bytes unparsed, partitioning along the _id index, and living within a server's limits.
//
// A [Reader] can only look. A [Writer] is a Reader that can also write. Both are safe for concurrent use.
// Errors are wrapped with the connection's name, the namespace and the operation, and never hold a secret.
package endpoint

import (
	"time"
)

// Kinds of servers.
const (
	KindAuto       = "auto"
	KindCosmos     = "cosmos"
	KindMongoDB    = "mongodb"
	KindDocumentDB = "documentdb" // found out, never configured
)

// Config says how to reach a server.
type Config struct {
	Name         string // of the connection in the plan; used in messages
	URI          string // a secret
	Database     string
	Kind         string // auto, cosmos or mongodb
	RequestUnits Budget
	Governor     *Governor // shared by all that use the connection's budget; nil: one of its own
	PoolSize     int
	Compressors  []string
	WriteConcern string // 1, majority or 0
	Retry        Retry
	ReplyTimeout time.Duration // for the reply to a read or a write; 0 waits for ever
	// Stopping is closed when the run should end soon: then nothing waits for a server that is not there.
	Stopping <-chan struct{}
	// Hurry is for somebody who waits to be told: a server that refuses is not waited for until it is back.
	Hurry bool
	Log   func(level, message string) // may be nil
}

// Budget is how many request units a second may be used.
type Budget struct {
	Off      bool
	PerSec   float64 // a fixed number; 0 when not given
	Fraction float64 // of what is provisioned
}

// Retry bounds the patience with failures that can pass: For is the time without any progress.
type Retry struct {
	For     time.Duration
	Initial time.Duration
	Max     time.Duration
}

// ServerInfo is what a server answered about itself.
type ServerInfo struct {
	Kind           string // cosmos, mongodb or documentdb
	Version        string
	WireVersion    int32
	Hosts          []string
	MaxBatchCount  int64 // documents in one insert
	MaxMessage     int64 // bytes
	MaxDocument    int64 // bytes
	RoundTrip      time.Duration
	OneUpdate      bool    // a command with more than one update is never answered
	SpoolsSorted   bool    // a sorted cursor is written out whole before its first batch, a limited find is not
	ScansRanges    bool    // an _id range costs a scan of the whole collection
	ProvisionedRUs float64 // of the database, request units a second; 0 where unknown or not applicable
}

// Usage is what some commands cost.
type Usage struct {
	RequestUnits float64
	Estimated    bool  // the server did not tell, RequestUnits is reckoned
	Throttled    int64 // commands, in whole or in part
	Retries      int64
}

// Collection is a collection as its server lists it.
type Collection struct {
	Name    string
	Type    string // collection, view or timeseries
	Options []byte // BSON, as listed
}

// Stats are a collection's metadata: cheap, and possibly stale.
type Stats struct {
	Documents int64
	Bytes     int64 // of documents, uncompressed
}
