// Package plot draws how a run of vida used its request units, from what `vida run --output json` has recorded.
package plot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Point is a step of a run at a moment.
type Point struct {
	Second    float64 // since the first one
	Used      float64 // request units a second since the one before
	Budget    float64 // request units a second that may be used; 0 where unknown
	Throttled float64 // commands a second since the one before
}

// progress is what of a line is needed.
type progress struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	Step struct {
		Name         string  `json:"name"`
		RequestUnits float64 `json:"request_units"`
		Throttled    int64   `json:"throttled"`
		Budget       float64 `json:"provisioned_per_second"`
	} `json:"step"`
}

// ErrNothing means that a recording tells of no request units of the step.
var ErrNothing = errors.New("no progress with request units is recorded")

// Read reads a recording: the progress of the named step, or where name is empty of the one that used most.
func Read(recording io.Reader, name string) ([]Point, error) {
	bySteps := map[string][]progress{}
	lines := bufio.NewScanner(recording)
	lines.Buffer(nil, 16<<20)
	for number := 1; lines.Scan(); number++ {
		var line progress
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if line.Type == "progress" {
			bySteps[line.Step.Name] = append(bySteps[line.Step.Name], line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	most := 0.0
	chosen := bySteps[name]
	for _, list := range bySteps {
		if used := list[len(list)-1].Step.RequestUnits; name == "" && used > most {
			most, chosen = used, list
		}
	}
	var points []Point
	for n := 1; n < len(chosen); n++ {
		before, now := chosen[n-1], chosen[n]
		elapsed := now.Time.Sub(before.Time).Seconds()
		if elapsed <= 0 {
			continue
		}
		points = append(points, Point{
			Second:    now.Time.Sub(chosen[0].Time).Seconds(),
			Used:      (now.Step.RequestUnits - before.Step.RequestUnits) / elapsed,
			Budget:    now.Step.Budget,
			Throttled: float64(now.Step.Throttled-before.Step.Throttled) / elapsed,
		})
	}
	if len(points) < 2 {
		return nil, ErrNothing
	}
	return points, nil
}
