package model

import (
	"strings"
	"testing"
)

func TestCheckDigit(t *testing.T) {
	// Published examples of the standard.
	for _, vin := range []string{"11111111111111111", "1M8GDM9AXKP042788", "5GZCZ43D13S812715"} {
		if got := checkDigit([]byte(vin)); got != vin[8] {
			t.Errorf("%s: the check digit is %c", vin, got)
		}
	}
	if checkDigit([]byte("1M8GDM9AXKP042789")) == 'X' {
		t.Error("a changed serial keeps its check digit")
	}
}

func TestVINs(t *testing.T) {
	g := New(1)
	maker := map[string]bool{}
	for i := range int64(20_000) {
		at := g.locate(uint64(i))
		v := g.vehicle(at)
		vin := string(g.appendVIN(nil, &v))
		if len(vin) != 17 || strings.Trim(vin, vinLetters) != "" {
			t.Fatalf("%q is no VIN", vin)
		}
		if checkDigit([]byte(vin)) != vin[8] {
			t.Fatalf("%s: the check digit should be %c", vin, checkDigit([]byte(vin)))
		}
		maker[vin[:3]] = true
		if code := "ABCDEFGHJKLMNPR"[v.year-2010]; vin[9] != code {
			t.Fatalf("%s: the model year %d has the code %c", vin, v.year, code)
		}
		if suv := strings.HasPrefix(v.car.model, "XC"); suv && vin[:3] != "YV4" {
			t.Fatalf("%s is a %s", vin, v.car.model)
		}
	}
	if len(maker) != 2 || !maker["YV1"] || !maker["YV4"] {
		t.Errorf("the manufacturers are %v", maker)
	}
}
