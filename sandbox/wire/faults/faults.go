// Package faults makes a [wire.Proxy] misbehave by rules: connections that break before or after the server
// applied a command, replies that never come, errors for a command or for single writes of it. What it lets
// through it never alters, so every document that arrives is the one that was sent.
package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"vida/sandbox/wire"
)

// Injector is an interceptor that follows rules. The first rule that fires decides; delays add up.
type Injector struct {
	mu    sync.Mutex
	rules []*rule
	seed  uint64
}

// rule is a Rule with what it has seen.
type rule struct {
	Rule
	random  *rand.Rand // of its own, so that one rule's luck does not hang on another's
	matched int
	fired   int
}

// New follows rules. Equal seeds, rules and orders of commands give equal faults.
func New(seed uint64, rules ...Rule) (*Injector, error) {
	i := &Injector{}
	return i, i.replace(seed, rules)
}

// Set replaces the rules and forgets what the old ones have seen.
func (i *Injector) Set(rules ...Rule) error {
	i.mu.Lock()
	seed := i.seed
	i.mu.Unlock()
	return i.replace(seed, rules)
}

func (i *Injector) replace(seed uint64, rules []Rule) error {
	fresh := make([]*rule, len(rules))
	for n, r := range rules {
		if err := r.complete(); err != nil {
			return fmt.Errorf("rule %d (%s): %w", n+1, r.Name, err)
		}
		fresh[n] = &rule{Rule: r, random: rand.New(rand.NewPCG(seed, uint64(n)))}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seed, i.rules = seed, fresh
	return nil
}

// Fired is how often the rules of a name have fired; all rules for an empty one.
func (i *Injector) Fired(name string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	sum := 0
	for _, r := range i.rules {
		if name == "" || r.Name == name {
			sum += r.fired
		}
	}
	return sum
}

// Count is what a rule has seen.
type Count struct {
	Name    string `json:"name"`
	Command string `json:"command"`
	Action  string `json:"action"`
	Matched int    `json:"matched"` // commands, those that skip and probability let pass included
	Fired   int    `json:"fired"`
}

// Counts tells of every rule, in their order.
func (i *Injector) Counts() []Count {
	i.mu.Lock()
	defer i.mu.Unlock()
	counts := make([]Count, len(i.rules))
	for n, r := range i.rules {
		counts[n] = Count{Name: r.Name, Command: r.Command, Action: r.Action, Matched: r.matched, Fired: r.fired}
	}
	return counts
}

// verdict is what the rules make of one command.
type verdict struct {
	delay   time.Duration
	rule    *Rule // nil: let it pass
	refused map[int]wire.WriteError
}

// Intercept applies the rules to a command.
func (i *Injector) Intercept(ctx context.Context, _ *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	v, err := i.judge(command)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, v.delay); err != nil {
		return nil, err
	}
	if v.rule == nil {
		return next(ctx, command)
	}
	if v.rule.Action == ActionWriteErrors {
		return wire.PartialWrite(ctx, command, v.refused, next)
	}
	if v.rule.Applied {
		if _, err := next(ctx, command); err != nil {
			return nil, err
		}
	}
	switch v.rule.Action {
	case ActionReset:
		return nil, wire.ErrReset
	case ActionNoReply:
		if command.Unacknowledged {
			return nil, nil // nobody waits
		}
		return nil, wire.ErrNoReply
	}
	return v.rule.Error.reply(), nil
}

// judge counts the command with each rule that matches it, and finds the one that fires.
func (i *Injector) judge(command *wire.Command) (verdict, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var v verdict
	for _, r := range i.rules {
		if !r.matches(command) {
			continue
		}
		r.matched++
		if r.matched <= r.Skip || r.Times > 0 && r.fired >= r.Times {
			continue
		}
		if r.Probability > 0 && r.random.Float64() >= r.Probability {
			continue
		}
		var refused map[int]wire.WriteError
		if r.Action == ActionWriteErrors {
			var err error
			if refused, err = r.choose(command); err != nil {
				return verdict{}, err
			}
			if len(refused) == 0 {
				continue
			}
		}
		r.fired++
		v.delay += time.Duration(r.Delay)
		if r.Action != ActionDelay {
			v.rule, v.refused = &r.Rule, refused
			return v, nil
		}
	}
	return v, nil
}

func (r *rule) matches(command *wire.Command) bool {
	if r.Command != "*" && !command.Is(r.Command) {
		return false
	}
	if r.Unacknowledged && !command.Unacknowledged {
		return false
	}
	if r.Action == ActionWriteErrors && !command.IsWrite() {
		return false
	}
	if r.Command == "*" && command.Is("hello", "isMaster") {
		return false // else no client could ever find the server
	}
	return r.Namespace == "" || strings.EqualFold(r.Namespace, command.Namespace())
}

// choose picks the writes that fail, by their index.
func (r *rule) choose(command *wire.Command) (map[int]wire.WriteError, error) {
	operations, err := command.Operations()
	if err != nil {
		return nil, err
	}
	refused := map[int]wire.WriteError{}
	failure := wire.WriteError{Code: r.Error.Code, Message: r.Error.Message}
	for _, index := range r.Documents.Indexes {
		if index < len(operations) {
			refused[index] = failure
		}
	}
	for index, operation := range operations {
		if r.Documents.Share > 0 && r.random.Float64() < r.Documents.Share || r.Documents.matches(operation) {
			refused[index] = failure
		}
	}
	return refused, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
