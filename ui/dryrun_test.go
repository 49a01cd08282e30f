package ui

import (
	"bytes"
	"testing"

	"vida/runner"
)

var rehearsal = runner.DryRunReport{Plan: "full-migration", Steps: []runner.DryRunStep{
	{Name: "check", Type: "check-connections", Action: "done", Since: dawn},
	{Name: "generate", Type: "generate", Action: "skip", Notes: []string{"its condition is false"}},
	{Name: "copy", Type: "copy", Action: "resume", Documents: 61000000, Bytes: 1 << 36, Units: 1220,
		RequestUnits: 1.5e8, Seconds: 7440, Notes: []string{"\x1bfrom serviceorders"}},
	{Name: "indexes", Type: "create-indexes", Action: "run", Documents: -1, Bytes: -1, Units: 6, RequestUnits: -1, Seconds: -1},
	{Name: "verify", Type: "verify-counts", Action: "run", Documents: -1, Bytes: -1, Units: -1, RequestUnits: -1, Seconds: -1,
		Error: "no such host"},
}, Spent: map[string]float64{"source": 93.4567}}

func TestDryRun(t *testing.T) {
	var out bytes.Buffer
	if err := DryRun(&out, rehearsal); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `full-migration, a dry run: nothing is written, neither to a server nor to a file

STEP      TYPE               WOULD                         DOCUMENTS      SIZE  UNITS  REQUEST UNITS   TIME
check     check-connections  done since `+moment(dawn)+`
generate  generate           skip
copy      copy               resume                       61,000,000  64.0 GiB  1,220    150,000,000  2h04m
indexes   create-indexes     run                                                    6
verify    verify-counts      run

generate:
  its condition is false

copy:
  ?from serviceorders

verify:
  error: no such host

finding this out took 94 RU of source
`)
}

func TestDryRunJSON(t *testing.T) {
	var out bytes.Buffer
	if err := DryRunJSON(&out, rehearsal); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `{"plan":"full-migration","steps":[`+
		`{"name":"check","type":"check-connections","action":"done","since":"2026-11-24T08:10:00.000Z","notes":[]},`+
		`{"name":"generate","type":"generate","action":"skip","notes":["its condition is false"]},`+
		`{"name":"copy","type":"copy","action":"resume","documents":61000000,"bytes":68719476736,"units":1220,"request_units":150000000,"seconds":7440,"notes":["\u001bfrom serviceorders"]},`+
		`{"name":"indexes","type":"create-indexes","action":"run","units":6,"notes":[]},`+
		`{"name":"verify","type":"verify-counts","action":"run","notes":[],"error":"no such host"}],"request_units_spent":{"source":93.46}}`+"\n")
}
