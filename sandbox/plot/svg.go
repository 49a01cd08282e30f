package plot

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

const (
	width, height   = 800, 380
	left, right     = 70, 20
	top             = 40
	unitsBottom     = 250 // of the upper panel
	throttledTop    = 280
	throttledBottom = 340
)

// panel maps seconds and values to places.
type panel struct {
	seconds, most float64
	top, bottom   float64
}

func (p panel) x(second float64) float64 { return left + second/p.seconds*(width-left-right) }
func (p panel) y(value float64) float64  { return p.bottom - value/p.most*(p.bottom-p.top) }

// SVG draws request units used and allowed over time, and below them the throttled commands.
func SVG(out io.Writer, title string, points []Point) error {
	var mostUnits, mostThrottled float64
	for _, p := range points {
		mostUnits = max(mostUnits, p.Used, p.Budget)
		mostThrottled = max(mostThrottled, p.Throttled)
	}
	seconds := points[len(points)-1].Second
	units := panel{seconds, ceiling(mostUnits * 1.05), top, unitsBottom}
	throttled := panel{seconds, ceiling(max(mostThrottled, 1)), throttledTop, throttledBottom}

	var b strings.Builder
	add := func(format string, values ...any) { _, _ = fmt.Fprintf(&b, format+"\n", values...) }
	add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, width, height)
	add(`<rect width="%d" height="%d" fill="white"/>`, width, height)
	add(`<text x="%d" y="20" font-size="14">%s</text>`, left, html.EscapeString(title))
	units.axis(add, "RU/s", 4)
	throttled.axis(add, "throttled/s", 1)
	for second := 0.0; second <= seconds; second += interval(seconds) {
		add(`<text x="%.1f" y="%d" text-anchor="middle">%.0f s</text>`, units.x(second), throttledBottom+16, second)
	}
	for n, p := range points {
		from := 0.0
		if n > 0 {
			from = points[n-1].Second
		}
		if p.Throttled > 0 {
			add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#c0392b"/>`, throttled.x(from), throttled.y(p.Throttled), throttled.x(p.Second)-throttled.x(from), throttledBottom-throttled.y(p.Throttled))
		}
	}
	var used, budget []string
	for n, p := range points {
		used = append(used, fmt.Sprintf("%.1f,%.1f", units.x(p.Second), units.y(p.Used)))
		if n > 0 {
			budget = append(budget, fmt.Sprintf("%.1f,%.1f", units.x(p.Second), units.y(points[n-1].Budget)))
		}
		budget = append(budget, fmt.Sprintf("%.1f,%.1f", units.x(p.Second), units.y(p.Budget)))
	}
	add(`<polyline points="%s" fill="none" stroke="#7f8c8d" stroke-width="1.5" stroke-dasharray="5 3"/>`, strings.Join(budget, " "))
	add(`<polyline points="%s" fill="none" stroke="#2471a3" stroke-width="2"/>`, strings.Join(used, " "))
	add(`<text x="%d" y="%d" text-anchor="end"><tspan fill="#2471a3">— used</tspan> <tspan fill="#7f8c8d">- - budget</tspan> <tspan fill="#c0392b">▮ throttled commands</tspan></text>`, width-right, 20)
	add(`</svg>`)
	_, err := io.WriteString(out, b.String())
	return err
}

// axis draws a panel's frame, its name and some values.
func (p panel) axis(add func(string, ...any), name string, steps int) {
	for n := range steps + 1 {
		value := p.most * float64(n) / float64(steps)
		add(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#dddddd"/>`, left, width-right, p.y(value), p.y(value))
		add(`<text x="%d" y="%.1f" text-anchor="end">%.6g</text>`, left-6, p.y(value)+4, value)
	}
	add(`<text x="14" y="%.1f" transform="rotate(-90 14 %.1f)" text-anchor="middle">%s</text>`, (p.top+p.bottom)/2, (p.top+p.bottom)/2, name)
}

// ceiling is the next round number.
func ceiling(value float64) float64 {
	scale := math.Pow(10, math.Floor(math.Log10(value)))
	for _, round := range []float64{1, 1.6, 2, 3, 4, 6, 8, 10} {
		if value <= round*scale {
			return round * scale
		}
	}
	return 10 * scale
}

// interval is the distance of the marks on an axis of time.
func interval(seconds float64) float64 {
	for _, distance := range []float64{1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600} {
		if seconds/distance <= 12 {
			return distance
		}
	}
	return ceiling(seconds / 12)
}
