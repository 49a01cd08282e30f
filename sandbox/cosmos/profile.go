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

// Profile is how an account behaves. A profile file names a built-in one as its base, and what differs.
type Profile struct {
	Name          string `yaml:"name"`
	WireVersion   int32  `yaml:"wire_version"`
	ServerVersion string `yaml:"server_version"` // as buildInfo tells
	ReplicaSet    string `yaml:"replica_set"`    // as hello tells; empty for none
	Hello         bool   `yaml:"hello"`          // false: only isMaster is known

	Metered            bool     `yaml:"metered"`           // charges, throttles and knows the commands about it
	StrongReads        bool     `yaml:"strong_reads"`      // strong or bounded staleness: reads cost double
	Throughput         string   `yaml:"throughput"`        // collection, database or none
	ThrottledWrites    string   `yaml:"throttled_writes"`  // partial, command or mixed
	RetryAfter         string   `yaml:"retry_after"`       // always, never or sometimes
	ServerSideRetry    bool     `yaml:"server_side_retry"` // wait instead of 16500, and fail with 50 in the end
	ServerSideRetryFor Duration `yaml:"server_side_retry_for"`

	MaxWriteBatch         int      `yaml:"max_write_batch"`    // operations
	MaxDocumentBytes      int      `yaml:"max_document_bytes"` // 0: whatever the server takes
	MaxPageBytes          int      `yaml:"max_page_bytes"`     // 0: whatever the server sends
	RefuseRetryableWrites bool     `yaml:"refuse_retryable_writes"`
	RefuseUnindexedSorts  bool     `yaml:"refuse_unindexed_sorts"`
	UnsupportedCommands   []string `yaml:"unsupported_commands"`
	UnsupportedStages     []string `yaml:"unsupported_stages"`

	DecorateIndexes bool `yaml:"decorate_indexes"` // list v: 1 and ns
	TTLIndex        bool `yaml:"ttl_index"`        // list _ts_1 with expireAfterSeconds -1
	DefaultIndexes  bool `yaml:"default_indexes"`  // list DocumentDBDefaultIndex, as accounts of 3.2 do

	TwinEvery int `yaml:"twin_every"` // about one document in so many has a twin with its _id; 0 for none

	IdleTimeout     Duration `yaml:"idle_timeout"`     // connections without a command end; 0 for never
	DropConnections float64  `yaml:"drop_connections"` // probability, per command, of a reset before or after it
	LoseCursors     float64  `yaml:"lose_cursors"`     // probability, per getMore, of CursorNotFound
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
	if err := file.check(); err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	return file.Profile, nil
}

func (p Profile) check() error {
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
	if p.WireVersion < 0 || p.MaxDocumentBytes < 0 || p.MaxPageBytes < 0 || p.TwinEvery < 0 || p.IdleTimeout < 0 || p.ServerSideRetryFor < 0 {
		mistakes = append(mistakes, errors.New("wire_version, twin_every, sizes and times cannot be negative"))
	}
	return errors.Join(mistakes...)
}
