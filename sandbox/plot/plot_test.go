package plot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func line(second int, step string, units float64, budget int, throttled int) string {
	return fmt.Sprintf(`{"type":"progress","time":"2026-01-01T00:00:%02d.000Z","step":{"name":%q,"request_units":%g,"provisioned_per_second":%d,"throttled":%d}}`, second, step, units, budget, throttled)
}

func TestARecordedRunIsDrawn(t *testing.T) {
	recording := strings.Join([]string{
		`{"type":"run_started","time":"2026-01-01T00:00:00.000Z"}`,
		line(0, "copy", 0, 1000, 0), line(1, "copy", 900, 1000, 0), line(1, "small", 5, 0, 0), line(3, "copy", 1900, 1000, 4), line(4, "copy", 3900, 2000, 4),
		`{"type":"log","time":"2026-01-01T00:00:04.000Z","step":{"name":"copy"},"message":"m"}`,
	}, "\n")
	points, err := Read(strings.NewReader(recording), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Point{{1, 900, 1000, 0}, {3, 500, 1000, 2}, {4, 2000, 2000, 0}}
	if fmt.Sprint(points) != fmt.Sprint(want) {
		t.Fatalf("%v, want %v", points, want)
	}
	var drawn strings.Builder
	if err := SVG(&drawn, "a < b", points); err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(drawn.String())); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if bars := strings.Count(drawn.String(), `fill="#c0392b"/>`); bars != 1 || !strings.Contains(drawn.String(), "a &lt; b") {
		t.Errorf("%d bars of throttling in\n%s", bars, drawn.String())
	}
}

func TestWhatCannotBeDrawnIsSaid(t *testing.T) {
	if _, err := Read(strings.NewReader(line(0, "copy", 0, 0, 0)), ""); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	if _, err := Read(strings.NewReader(line(0, "copy", 0, 0, 0)), "other"); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	if _, err := Read(strings.NewReader("{}\nno JSON"), ""); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}
