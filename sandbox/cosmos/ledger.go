package cosmos

import (
	"maps"
	"sync"
	"time"
)

// Statistics is what a double has done since it was started or reset.
type Statistics struct {
	Profile     string       `json:"profile"`
	Seconds     float64      `json:"seconds"`
	Connections int          `json:"connections"` // now
	Budget      Budget       `json:"budget"`
	Charged     Charged      `json:"charged"`
	Throttled   Throttled    `json:"throttled"`
	Refused     Refusals     `json:"refused"` // by command and code, throttling left out
	Dropped     int64        `json:"dropped"` // connections
	Partitions  []Partition  `json:"partitions"`
	Commands    CommandCount `json:"commands"`
}

// Refusals counts by command, then by code.
type Refusals map[string]map[int32]int64

// CommandCount counts by command.
type CommandCount map[string]int64

// Budget is the throughput, in request units a second.
type Budget struct {
	RequestUnits    float64 `json:"request_units"`
	Background      float64 `json:"background"` // used by other traffic
	Autoscale       bool    `json:"autoscale"`
	ServerSideRetry bool    `json:"server_side_retry"`
}

// Charged is request units, the throttled attempts' included.
type Charged struct {
	Total      float64            `json:"total"`
	LastSecond float64            `json:"last_second"` // the last whole second of the clock
	Metadata   float64            `json:"metadata"`
	Throttled  float64            `json:"throttled"`
	ByCommand  map[string]float64 `json:"by_command"`
}

// Throttled counts what was refused for want of request units.
type Throttled struct {
	Commands  int64        `json:"commands"` // in which anything was throttled
	Writes    int64        `json:"writes"`   // single operations of inserts, updates and deletes
	Timeouts  int64        `json:"timeouts"` // commands that ended with code 50
	ByCommand CommandCount `json:"by_command"`
}

// Partition is one physical partition.
type Partition struct {
	RequestUnits float64 `json:"request_units"` // a second, other traffic taken off
	Available    float64 `json:"available"`     // less than 0: in debt
	Charged      float64 `json:"charged"`
	Throttled    int64   `json:"throttled"` // attempts
}

// ledger gathers the statistics that are not the account's.
type ledger struct {
	mu        sync.Mutex
	started   time.Time
	charged   Charged
	throttled Throttled
	refused   Refusals
	commands  CommandCount
	dropped   int64
}

func newLedger(now time.Time) *ledger {
	l := &ledger{}
	l.reset(now)
	return l
}

func (l *ledger) reset(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = now
	l.charged = Charged{ByCommand: map[string]float64{}}
	l.throttled = Throttled{ByCommand: CommandCount{}}
	l.refused, l.commands, l.dropped = Refusals{}, CommandCount{}, 0
}

// record enters a finished command.
func (l *ledger) record(command string, m *meter, refused int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands[command]++
	l.charged.Total += m.units
	l.charged.Metadata += m.metadata
	l.charged.Throttled += m.wasted
	if m.units > 0 {
		l.charged.ByCommand[command] += m.units
	}
	if m.throttled {
		l.throttled.Commands++
		l.throttled.ByCommand[command]++
	}
	l.throttled.Writes += m.throttledWrites
	if m.timedOut {
		l.throttled.Timeouts++
	}
	if refused != 0 && !m.throttled {
		if l.refused[command] == nil {
			l.refused[command] = map[int32]int64{}
		}
		l.refused[command][refused]++
	}
}

func (l *ledger) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropped++
}

// into copies the ledger.
func (l *ledger) into(s *Statistics, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Seconds = now.Sub(l.started).Seconds()
	s.Charged, s.Throttled, s.Dropped = l.charged, l.throttled, l.dropped
	s.Charged.ByCommand = maps.Clone(l.charged.ByCommand)
	s.Throttled.ByCommand = maps.Clone(l.throttled.ByCommand)
	s.Commands = maps.Clone(l.commands)
	s.Refused = Refusals{}
	for command, codes := range l.refused {
		s.Refused[command] = maps.Clone(codes)
	}
}

// meter is what one command costs.
type meter struct {
	units           float64 // all of it
	wasted          float64 // on attempts that were throttled
	metadata        float64
	throttled       bool
	throttledWrites int64
	timedOut        bool
}
