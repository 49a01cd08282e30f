package cosmos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Where GetCollection and GetDatabase tell the throughput.
const (
	ThroughputCollection = "collection" // dedicated to each collection
	ThroughputDatabase   = "database"   // shared by the database's collections, which tell none
	ThroughputNone       = "none"       // serverless: neither tells
)

// How a throttled insert, update or delete is answered.
const (
	WritesPartial = "partial" // writeErrors for single indexes; the others are written
	WritesCommand = "command" // the whole command fails, and yet what went before it is written
	WritesMixed   = "mixed"   // now one, now the other
)

// Whether throttling tells how long to wait.
const (
	RetryAfterAlways    = "always"
	RetryAfterNever     = "never"
	RetryAfterSometimes = "sometimes"
)

// Profile is how an account behaves. A profile file names a built-in one as its base, and what differs. The help
// of each behaviour is that of its flag.
type Profile struct {
	Name          string `yaml:"name"`
	WireVersion   int32  `yaml:"wire_version" help:"maxWireVersion that hello tells: 6 for 3.6, 7 for 4.0, 8 for 4.2, 13 for 5.0, 17 for 6.0, 21 for 7.0"`
	ServerVersion string `yaml:"server_version" help:"version that buildInfo tells"`
	ReplicaSet    string `yaml:"replica_set" help:"replica set that hello tells; empty for none"`
	Hello         bool   `yaml:"hello" help:"hello is known, not isMaster alone"`

	Metered            bool     `yaml:"metered" help:"charges, throttles, and knows getLastRequestStatistics and customAction"`
	StrongReads        bool     `yaml:"strong_reads" help:"strong or bounded staleness: reads cost double"`
	Throughput         string   `yaml:"throughput" help:"who tells the throughput: collection, database (shared by its collections) or none (serverless)"`
	ThrottledWrites    string   `yaml:"throttled_writes" help:"a throttled write fails as partial (writeErrors by index), command (whole, and yet some of it is written) or mixed"`
	RetryAfter         string   `yaml:"retry_after" help:"throttling tells RetryAfterMs: always, never or sometimes"`
	ServerSideRetry    bool     `yaml:"server_side_retry" help:"wait instead of answering 16500, and fail with code 50 in the end"`
	ServerSideRetryFor Duration `yaml:"server_side_retry_for" help:"... after this long"`

	MaxWriteBatch         int      `yaml:"max_write_batch" help:"most operations of a write"`
	MaxDocumentBytes      int      `yaml:"max_document_bytes" help:"largest document; 0 for whatever the server takes"`
	MaxPageBytes          int      `yaml:"max_page_bytes" help:"largest page of a reply; 0 for whatever the server sends"`
	RefuseRetryableWrites bool     `yaml:"refuse_retryable_writes" help:"refuse retryable writes, code 2"`
	RefuseUnindexedSorts  bool     `yaml:"refuse_unindexed_sorts" help:"refuse to sort by what no index serves, code 2"`
	UnsupportedCommands   []string `yaml:"unsupported_commands" help:"commands refused with code 115"`
	UnsupportedStages     []string `yaml:"unsupported_stages" help:"aggregation stages refused with code 40324"`

	ChangeStreams    bool `yaml:"change_streams" help:"change streams, and GetChangeStreamTokens for one of each physical partition from time zero"`
	LoseSplitStreams bool `yaml:"lose_split_streams" help:"a change stream whose partition has been split is refused, code 72: it is to begin anew"`
	StreamGap        int  `yaml:"stream_gap" help:"one document in so many is left out by change streams; 0 for none"`

	DecorateIndexes bool `yaml:"decorate_indexes" help:"listIndexes tells v: 1 and ns"`
	TTLIndex        bool `yaml:"ttl_index" help:"listIndexes tells _ts_1, which expires after -1 seconds"`
	DefaultIndexes  bool `yaml:"default_indexes" help:"listIndexes tells DocumentDBDefaultIndex, as accounts of 3.2 do"`

	TwinEvery int `yaml:"twin_every" help:"one document in so many is read twice, the second with another shard key; 0 for none"`

	IdleTimeout     Duration `yaml:"idle_timeout" help:"connections without a command for this long end; 0s for never"`
	DropConnections float64  `yaml:"drop_connections" help:"probability, per command, that its connection is reset before or after it"`
	LoseCursors     float64  `yaml:"lose_cursors" help:"probability, per getMore, of CursorNotFound"`
}

// Duration is written as Go writes durations: 250ms, 4m.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func requestUnits(name string, wireVersion int32, version string) Profile {
	return Profile{
		Name:                  name,
		WireVersion:           wireVersion,
		ServerVersion:         version,
		ReplicaSet:            "globaldb",
		Hello:                 true,
		Metered:               true,
		Throughput:            ThroughputCollection,
		ThrottledWrites:       WritesPartial,
		RetryAfter:            RetryAfterAlways,
		ServerSideRetryFor:    Duration(time.Minute),
		MaxWriteBatch:         1000,
		MaxDocumentBytes:      2 << 20,
		MaxPageBytes:          4 << 20,
		RefuseRetryableWrites: true,
		RefuseUnindexedSorts:  true,
		UnsupportedCommands:   []string{"parallelCollectionScan", "splitVector", "serverStatus", "connectionStatus", "collMod"},
		UnsupportedStages:     []string{"$collStats", "$bucket", "$bucketAuto", "$indexStats"},
		ChangeStreams:         true,
		DecorateIndexes:       true,
		TTLIndex:              true,
		IdleTimeout:           Duration(4 * time.Minute),
	}
}

func builtIn() map[string]Profile {
	ru36 := requestUnits("ru-3.6", 6, "3.6.0")
	ru36.Hello = false
	ru36.RetryAfter = RetryAfterSometimes
	return map[string]Profile{
		"ru-3.6": ru36,
		"ru-4.2": requestUnits("ru-4.2", 8, "4.2.0"),
		"ru-7.0": requestUnits("ru-7.0", 21, "7.0.0"),
		"vcore": {
			Name: "vcore", WireVersion: 21, ServerVersion: "7.0.0", Hello: true, MaxWriteBatch: 100_000,
			Throughput: ThroughputNone, ThrottledWrites: WritesPartial, RetryAfter: RetryAfterAlways,
			ServerSideRetryFor: Duration(time.Minute), IdleTimeout: Duration(4 * time.Minute),
		},
	}
}

// ProfileNames lists the built-in profiles.
func ProfileNames() []string { return slices.Sorted(maps.Keys(builtIn())) }

// BuiltInProfile returns a profile by its name.
func BuiltInProfile(name string) (Profile, error) {
	profile, ok := builtIn()[name]
	if !ok {
		return Profile{}, fmt.Errorf("profile %q is not one of %s", name, strings.Join(ProfileNames(), ", "))
	}
	return profile, nil
}

// ParseProfile reads a profile in YAML: "base" names the built-in profile (ru-4.2 when left out) that holds
// wherever the file is silent.
func ParseProfile(source []byte) (Profile, error) {
	var base struct {
		Base string `yaml:"base"`
	}
	if err := yaml.Unmarshal(source, &base); err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	if base.Base == "" {
		base.Base = "ru-4.2"
	}
	profile, err := BuiltInProfile(base.Base)
	if err != nil {
		return Profile{}, err
	}
	file := struct {
		Base    string `yaml:"base"`
		Profile `yaml:",inline"`
	}{Profile: profile}
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	if err := file.Validate(); err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	return file.Profile, nil
}

// Validate finds what no account can be.
func (p Profile) Validate() error {
	var mistakes []error
	oneOf := func(field, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			mistakes = append(mistakes, fmt.Errorf("%s: %q is not one of %s", field, value, strings.Join(allowed, ", ")))
		}
	}
	oneOf("throughput", p.Throughput, ThroughputCollection, ThroughputDatabase, ThroughputNone)
	oneOf("throttled_writes", p.ThrottledWrites, WritesPartial, WritesCommand, WritesMixed)
	oneOf("retry_after", p.RetryAfter, RetryAfterAlways, RetryAfterNever, RetryAfterSometimes)
	for _, probability := range []struct {
		field string
		value float64
	}{{"drop_connections", p.DropConnections}, {"lose_cursors", p.LoseCursors}} {
		if probability.value < 0 || probability.value > 1 {
			mistakes = append(mistakes, fmt.Errorf("%s: %g is not between 0 and 1", probability.field, probability.value))
		}
	}
	if p.MaxWriteBatch < 1 {
		mistakes = append(mistakes, fmt.Errorf("max_write_batch: %d is less than 1", p.MaxWriteBatch))
	}
	if p.WireVersion < 0 || p.MaxDocumentBytes < 0 || p.MaxPageBytes < 0 || p.TwinEvery < 0 || p.StreamGap < 0 || p.IdleTimeout < 0 || p.ServerSideRetryFor < 0 {
		mistakes = append(mistakes, errors.New("wire_version, twin_every, stream_gap, sizes and times cannot be negative"))
	}
	return errors.Join(mistakes...)
}
