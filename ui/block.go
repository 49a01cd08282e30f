package ui

import (
	"strings"
	"time"

	"vida/runner"
)

const (
	barLongest  = 30
	barShortest = 8
	nameLongest = 24
)

// block draws a running step in at most two lines of at most width cells: how far it is, and its figures.
func block(now time.Time, s *runner.StepReport, p *pace, width int) []spans {
	name := spans{{s.Name, toneNone}}.cut(min(nameLongest, width))
	part := fraction(s)
	elapsed := Duration(max(0, now.Sub(p.started).Seconds()))
	left := ""
	if seconds, known := p.eta(now, s); known {
		left = "ETA " + Duration(seconds)
	}

	first := first(name, part, tally(s), elapsed, left, width)
	second := spans{{" ", toneNone}}
	all := figures(now, s, p)
	if text := tally(s); text != "" && !first.tally {
		all = append([]figure{{text, toneNone}}, all...)
	}
	for i, f := range all {
		separator := " · "
		if i == 0 {
			separator = " "
		}
		longer := append(second[:len(second):len(second)], span{separator, toneDim}, span(f))
		if longer.width() > width {
			break
		}
		second = longer
	}
	lines := []spans{first.line.cut(width)}
	if len(second) > 1 {
		lines = append(lines, second)
	}
	return lines
}

// head is the first line of a block, and whether the tally found room in it.
type head struct {
	line  spans
	tally bool
}

// first composes the first line, leaving out what matters least until it fits.
func first(name spans, part float64, tally, elapsed, left string, width int) head {
	type layout struct{ bar, tally, elapsed bool }
	for _, l := range []layout{{true, true, true}, {true, true, false}, {true, false, true}, {true, false, false}, {false, false, false}} {
		line := append(spans{}, name...)
		gap := span{"  ", toneNone}
		var tail spans
		if part >= 0 {
			tail = append(tail, span{" " + percent(part), toneNone})
		}
		if l.tally && tally != "" {
			tail = append(tail, gap, span{tally, toneNone})
		}
		if l.elapsed {
			tail = append(tail, gap, span{elapsed + " elapsed", toneDim})
		}
		if left != "" {
			tail = append(tail, gap, span{left, toneNone})
		}
		if l.bar && part >= 0 {
			room := min(barLongest, width-line.width()-tail.width()-len(" []"))
			if room < barShortest {
				continue
			}
			line = append(line, bar(part, room)...)
		}
		line = append(line, tail...)
		if line.width() <= width {
			return head{line, l.tally && tally != ""}
		}
	}
	return head{line: name}
}

// bar draws a bar of so many cells, and the brackets around it.
func bar(part float64, cells int) spans {
	full := min(cells, int(part*float64(cells)))
	return spans{
		{" [", toneDim},
		{strings.Repeat("█", full), toneGood},
		{strings.Repeat("░", cells-full), toneDim},
		{"]", toneDim},
	}
}
