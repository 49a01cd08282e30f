package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"vida/endpoint"
	"vida/plans"
)

// checkConnections implements [Step]: it finds out whether the plan's other steps can do their work on the
// servers, and changes nothing there. A unit is a connection. What is wrong with one is its result and not a
// failure of the unit, so that the others are checked too; the step fails in the end.
type checkConnections struct{}

type checkUnit struct {
	Connection string `json:"connection"`
}

func (checkConnections) Preview(ctx context.Context, env Reader) (Preview, error) {
	names := checkedNames(env)
	checked := make([]checkedConnection, len(names))
	var group errgroup.Group
	for n, name := range names {
		group.Go(func() (err error) {
			checked[n], err = checkConnection(ctx, env, name, nil)
			return err
		})
	}
	preview := Preview{Documents: -1, Bytes: -1, Units: int64(len(names)), RequestUnits: -1, Seconds: -1}
	if err := group.Wait(); err != nil {
		return preview, err
	}
	var failures []error
	for _, c := range checked {
		preview.Notes = append(preview.Notes, c.notes()...)
		failures = append(failures, c.failures()...)
	}
	return preview, errors.Join(failures...)
}

func (checkConnections) Divide(_ context.Context, env Env) ([]Unit, error) {
	var units []Unit
	for _, name := range checkedNames(env) {
		spec, err := json.Marshal(checkUnit{Connection: name})
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: name, Spec: spec})
	}
	return units, nil
}

// checkedNames lists the connections that the step is about, in the plan's order.
func checkedNames(env Reader) []string {
	if names := env.Step().Spec.(*plans.CheckConnectionsSpec).Connections; len(names) > 0 {
		return names
	}
	var names []string
	for _, c := range env.Plan().Connections {
		names = append(names, c.Name)
	}
	return names
}

func (checkConnections) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	var work checkUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	ctx, release := stoppable(ctx, task)
	defer release()
	checked, err := checkConnection(ctx, env, work.Connection, env.Writer)
	if stopping(task) {
		return Result{}, ErrStopped // and what was found out by then is worth nothing
	}
	if err != nil {
		return Result{}, err
	}
	output, err := json.Marshal(checked)
	return Result{Output: output}, err
}

func (checkConnections) Finish(_ context.Context, env Env, results []Result) (Result, error) {
	byName := map[string]checkedConnection{}
	for _, r := range results {
		var checked checkedConnection
		if err := json.Unmarshal(r.Output, &checked); err != nil {
			return Result{}, fmt.Errorf("a connection's saved result: %w", err)
		}
		byName[checked.Name] = checked
	}
	var total Result
	var failures []error
	for _, name := range checkedNames(env) {
		total.Notes = append(total.Notes, byName[name].notes()...)
		failures = append(failures, byName[name].failures()...)
	}
	var err error
	total.Output, err = json.Marshal(map[string]any{"ok": len(failures) == 0, "connections": byName})
	if err != nil {
		return Result{}, err
	}
	return total, errors.Join(failures...)
}

// checkedConnection is what was found out about a connection: a unit's output.
type checkedConnection struct {
	Name           string              `json:"name"`
	OK             bool                `json:"ok"`
	Kind           string              `json:"kind,omitempty"`
	Version        string              `json:"version,omitempty"`
	WireVersion    int32               `json:"wire_version,omitempty"`
	Hosts          []string            `json:"hosts,omitempty"`
	RoundTrip      float64             `json:"round_trip_ms,omitempty"`
	Database       string              `json:"database"`
	DatabaseExists *bool               `json:"database_exists,omitempty"` // left out where nobody knows
	Collections    map[string]bool     `json:"collections,omitempty"`     // those that steps name: whether they exist
	Holds          int                 `json:"holds"`                     // collections in the database
	Throughput     []checkedThroughput `json:"throughput,omitempty"`
	User           string              `json:"user,omitempty"`
	MayRead        *bool               `json:"may_read,omitempty"`
	MayWrite       *bool               `json:"may_write,omitempty"`
	Remarks        []string            `json:"remarks,omitempty"`
	Warnings       []string            `json:"warnings,omitempty"`
	Errors         []string            `json:"errors,omitempty"`
}

// notes are the lines for the operator, but for the errors.
func (c checkedConnection) notes() []string {
	var lines []string
	add := func(format string, values ...any) { lines = append(lines, c.Name+": "+fmt.Sprintf(format, values...)) }
	if c.Kind != "" {
		add("%s %s at %s, wire version %d, round trip %.1f ms", kindName(c.Kind), c.Version, strings.Join(c.Hosts, ", "), c.WireVersion, c.RoundTrip)
	}
	for _, remark := range c.Remarks {
		add("%s", remark)
	}
	for _, warning := range c.Warnings {
		add("warning: %s", warning)
	}
	return lines
}

func (c checkedConnection) failures() []error {
	var list []error
	for _, text := range c.Errors {
		list = append(list, errors.New(text))
	}
	return list
}

func kindName(kind string) string {
	switch kind {
	case endpoint.KindCosmos:
		return "Cosmos DB"
	case endpoint.KindDocumentDB:
		return "DocumentDB"
	}
	return "MongoDB"
}
