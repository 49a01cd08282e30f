package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Names of what is copied.
const (
	database   = "vida_bench"
	collection = "orders"
)

// vida is the binary to measure, and a folder for its plans and states.
type vida struct {
	binary string
	self   string
	dir    string
	env    []string
	flags  []string // of each run
}

// prepare finds the binary and makes the folder. done removes it.
func prepare(binary string) (v *vida, done func(), err error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "vida-bench-")
	if err != nil {
		return nil, nil, err
	}
	return &vida{binary: path, self: self, dir: dir, env: os.Environ()}, func() { _ = os.RemoveAll(dir) }, nil
}

// finished is the last line that a run writes.
type finished struct {
	Type  string `json:"type"`
	Steps []struct {
		Name     string  `json:"name"`
		Seconds  float64 `json:"seconds"`
		Read     int64   `json:"read"`
		Inserted int64   `json:"inserted"`
		Filtered int64   `json:"filtered"`
	} `json:"steps"`
}

// run runs a plan of one step from an empty state.
func (v *vida) run(ctx context.Context, sourceURI, targetURI, tuning, step string) (usage, finished, error) {
	file, state, err := v.write(sourceURI, targetURI, tuning, step)
	if err != nil {
		return usage{}, finished{}, err
	}
	command := exec.CommandContext(ctx, v.binary, append([]string{"run", file, "--state", state, "--output", "json", "--progress", "none"}, v.flags...)...)
	command.Env = v.env
	used, err := measure(command)
	if err != nil {
		return used, finished{}, err
	}
	last := bytes.TrimSpace(used.output)
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	var report finished
	if err := json.Unmarshal(last, &report); err != nil {
		return used, report, fmt.Errorf("the last line of the run: %w", err)
	}
	if len(report.Steps) == 0 {
		return used, report, errors.New("the run has no steps")
	}
	return used, report, nil
}

// write writes a plan of one step and returns its file, and the folder of a state that is empty.
func (v *vida) write(sourceURI, targetURI, tuning, step string) (file, state string, err error) {
	plan := fmt.Sprintf("version: 1\nname: bench\nconnections:\n  source: {uri: %q, database: %s}\n  target: {uri: %q, database: %s}\ntuning: {%s}\nsteps:\n  - %s\n",
		sourceURI, database, targetURI, database, tuning, step)
	file, state = filepath.Join(v.dir, "bench.yaml"), filepath.Join(v.dir, "state")
	if err := os.WriteFile(file, []byte(plan), 0o600); err != nil {
		return "", "", err
	}
	return file, state, os.RemoveAll(state)
}

const copyStep = "{name: copy, type: copy, from: source, to: target, collections: [" + collection + "]%s}"
