package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlotCommand(t *testing.T) {
	dir := t.TempDir()
	recording := filepath.Join(dir, "run.ndjson")
	lines := `{"type":"progress","time":"2026-01-01T00:00:00Z","step":{"name":"copy","request_units":1,"provisioned_per_second":400}}
{"type":"progress","time":"2026-01-01T00:00:01Z","step":{"name":"copy","request_units":300,"provisioned_per_second":400}}
{"type":"progress","time":"2026-01-01T00:00:02Z","step":{"name":"copy","request_units":700,"provisioned_per_second":400}}
`
	if err := os.WriteFile(recording, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"plot", recording, "--title", "of mine"}, 0, "of mine", ""},
		{[]string{"plot", recording, "--step", "other"}, exitFailed, "", "no progress with request units"},
		{[]string{"plot", filepath.Join(dir, "none")}, exitFailed, "", "no such file"},
		{[]string{"plot"}, exitUsage, "", "arg"},
	} {
		var stdout, stderr bytes.Buffer
		code := Run(test.args, Stdio{In: os.Stdin, Out: &stdout, Err: &stderr})
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
			t.Errorf("%v: exit code %d, stdout %.100q, stderr %q", test.args, code, stdout.String(), stderr.String())
		}
	}
}
