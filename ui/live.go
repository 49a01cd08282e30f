package ui

import (
	"fmt"
	"math"
	"time"

	"vida/runner"
)

// figure is one live number of a running step.
type figure struct {
	text string
	tone tone
}

// figures are the live numbers of a running step, the most important first: a narrow terminal shows the first
// few.
func figures(now time.Time, s *runner.StepReport, p *pace) []figure {
	var list []figure
	add := func(t tone, format string, values ...any) {
		list = append(list, figure{fmt.Sprintf(format, values...), t})
	}
	if handlesDocuments(s.Type) || documents(s) > 0 {
		if mean := p.mean(now, s); mean > 0 {
			add(toneNone, "%s docs/s (mean %s)", rate(s.DocumentsPerSec), rate(mean))
		} else {
			add(toneNone, "%s docs/s", rate(s.DocumentsPerSec))
		}
	}
	if s.ThrottledPerSec > 0 {
		add(toneBad, "throttled %s/s", rate(s.ThrottledPerSec))
	}
	for _, text := range shortfalls(s) {
		add(toneWarn, "%s", text)
	}
	switch {
	case s.ProvisionedPerSec > 0:
		add(toneNone, "%s of %s RU/s", rate(s.RequestUnitsPerSec), rate(s.ProvisionedPerSec))
	case s.RequestUnitsPerSec > 0:
		add(toneNone, "%s RU/s", rate(s.RequestUnitsPerSec))
	}
	if s.BytesPerSec > 0 {
		add(toneNone, "%s", megabytes(s.BytesPerSec))
	}
	if s.Counts.Retries > 0 {
		if s.Counts.Retries == 1 {
			add(toneWarn, "1 retry")
		} else {
			add(toneWarn, "%s retries", Number(s.Counts.Retries))
		}
	}
	if s.UnitsTotal > 1 {
		add(toneDim, "%s of %s", Number(s.UnitsDone), Plural(s.UnitsTotal, "unit"))
	}
	if s.Workers > 1 {
		add(toneDim, "%s", Plural(int64(s.Workers), "worker"))
	}
	return list
}

// tally tells how far a running step is: "4,800 of 20,000 documents".
func tally(s *runner.StepReport) string {
	done := documents(s)
	switch {
	case s.Expected > 0 && done <= s.Expected:
		return fmt.Sprintf("%s of %s", Number(done), Plural(s.Expected, "document"))
	case done > 0 || handlesDocuments(s.Type):
		return Plural(done, "document")
	}
	return ""
}

// percent writes a fraction; a running step never shows 100 % before it is done.
func percent(fraction float64) string {
	return fmt.Sprintf("%d%%", int64(min(99, math.Floor(fraction*100))))
}
