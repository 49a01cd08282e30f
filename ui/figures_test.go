package ui

import (
	"math"
	"testing"

	"vida/runner"
	"vida/steps"
)

func TestPaceOfASteadyStep(t *testing.T) {
	var p pace
	for i := int64(0); i <= 50; i++ {
		p.observe(at(float64(i)/10), copying(i*200))
	}
	if mean := p.mean(at(5), copying(10000)); math.Round(mean) != 2000 {
		t.Errorf("mean %v, want 2000", mean)
	}
	eta, known := p.eta(at(5), copying(10000))
	if !known || math.Abs(eta-5) > 0.1 {
		t.Errorf("ETA %v %v, want 5 s", eta, known)
	}
	if eta, _ := p.eta(at(6), copying(10000)); math.Abs(eta-4) > 0.1 {
		t.Errorf("a second later without news ETA %v, want 4 s", eta)
	}
}

// What earlier runs did must not make a resumed step look fast.
func TestPaceOfAResumedStep(t *testing.T) {
	resumed := func(done int64) *runner.StepReport {
		s := copying(done)
		s.Resumed = 10000
		return s
	}
	for _, c := range []struct {
		name  string
		first *runner.StepReport
	}{
		{"told at the start", resumed(10000)},
		{"told with the first progress", copying(0)},
	} {
		var p pace
		p.observe(at(0), c.first)
		for i := int64(1); i <= 40; i++ {
			p.observe(at(float64(i)/10), resumed(10000+i*100))
		}
		if mean := p.mean(at(4), resumed(14000)); math.Round(mean) != 1000 {
			t.Errorf("%s: mean %v, want 1000", c.name, mean)
		}
		if eta, known := p.eta(at(4), resumed(14000)); !known || math.Abs(eta-6) > 0.2 {
			t.Errorf("%s: ETA %v %v, want 6 s", c.name, eta, known)
		}
	}
}

func TestNoETA(t *testing.T) {
	var p pace
	p.observe(at(0), copying(0))
	p.observe(at(1), copying(1000))
	if _, known := p.eta(at(1), copying(1000)); known {
		t.Error("an ETA after one second")
	}
	p.observe(at(10), copying(21000))
	if _, known := p.eta(at(10), copying(21000)); known {
		t.Error("an ETA with more documents than expected")
	}
	var stuck pace
	stuck.observe(at(0), copying(0))
	stuck.observe(at(60), copying(0))
	if eta, known := stuck.eta(at(60), copying(0)); known {
		t.Errorf("an ETA of %v without any progress", eta)
	}
}

func TestFraction(t *testing.T) {
	for _, c := range []struct {
		name string
		step runner.StepReport
		want float64
	}{
		{"nothing known", runner.StepReport{Type: "copy"}, -1},
		{"half", runner.StepReport{Type: "copy", Expected: 10, Counts: steps.Counts{Read: 5}}, 0.5},
		{"generated, which reads nothing", runner.StepReport{Type: "generate", Expected: 10, Counts: steps.Counts{Inserted: 5}}, 0.5},
		{"the estimate was too low", runner.StepReport{Type: "copy", Expected: 10, Counts: steps.Counts{Read: 11}}, -1},
		{"units of documents say little", runner.StepReport{Type: "copy", UnitsTotal: 4, UnitsDone: 2}, -1},
		{"units of indexes", runner.StepReport{Type: "create-indexes", UnitsTotal: 4, UnitsDone: 1}, 0.25},
	} {
		if got := fraction(&c.step); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
