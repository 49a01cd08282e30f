package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// script is a file of rules.
type script struct {
	Seed  uint64 `yaml:"seed"`
	Rules []Rule `yaml:"rules"`
}

// Parse reads rules in YAML, of which JSON is a part:
//
//	seed: 7
//	rules:
//	  - {command: getMore, skip: 2, times: 1, action: error, error: {code: 43}}
//	  - {command: insert, probability: 0.1, action: reset, applied: true}
//	  - {command: insert, action: write-errors, error: {code: 121}, documents: {field: status, equals: lost}}
func Parse(source []byte) (*Injector, error) {
	i := &Injector{}
	return i, i.Load(source)
}

// Load replaces the rules, and the seed, by those of a file; see [Parse]. Where the file has a mistake, the old
// ones stay.
func (i *Injector) Load(source []byte) error {
	var s script
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("fault rules: %w", err)
	}
	if err := i.replace(s.Seed, s.Rules); err != nil {
		return fmt.Errorf("fault rules: %w", err)
	}
	return nil
}
