package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocumentDBServesWhatACopyNeeds runs in make test-documentdb, which installs the script of this tree first.
func TestDocumentDBServesWhatACopyNeeds(t *testing.T) {
	if os.Getenv("VIDA_TEST_DOCUMENTDB") == "" {
		t.Skip("needs this tree's DocumentDB installed: make test-documentdb")
	}
	data := t.TempDir()
	servers := start(t, Options{Kind: DocumentDB, Data: data})
	t.Cleanup(func() {
		if t.Failed() {
			showLogs(t, data)
		}
		if err := servers.Stop(); err != nil {
			t.Error(err)
		}
	})
	exerciseServer(t, connect(t, servers.SourceURI))
	exerciseServer(t, connect(t, servers.TargetURI))
	// Servers that are being stopped go on serving the connections they have.
	for _, uri := range []string{servers.SourceURI, servers.TargetURI} {
		if err := connect(t, uri).Ping(t.Context(), nil); err != nil {
			t.Errorf("the servers do not outlive their first clients: %v", err)
		}
	}
}

// showLogs prints what the gateways have logged, which goes with the test's directory.
func showLogs(t *testing.T, data string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(data, "documentdb", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Logf("no logs in %s: %v", data, err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		t.Logf("%s: %v\n%s", filepath.Base(path), err, text)
	}
}

// fakeInstallation is a directory with a script in place of documentdb.sh.
func fakeInstallation(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "documentdb.sh"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDocumentDBScript(t *testing.T) {
	const serves = "echo VIDA_TEST_SOURCE_URI=mongodb://s/; echo VIDA_TEST_TARGET_URI=mongodb://t/; cat >/dev/null; echo \"$@\" >\"$2/stopped\"\n"
	dir := fakeInstallation(t, serves)
	servers := start(t, Options{Kind: DocumentDB, DocumentDB: dir, Data: "/data", Keep: true, Target: Side{Port: 4711}})
	if servers.SourceURI != "mongodb://s/" || servers.TargetURI != "mongodb://t/" {
		t.Errorf("got %+v", servers)
	}
	if err := servers.Stop(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "stopped"))
	if err != nil {
		t.Fatal("Stop did not wait for the script: ", err)
	}
	want := "--dir " + dir + " --run /data/documentdb --keep --target-port 4711 serve\n"
	if string(got) != want {
		t.Errorf("the script was given %q; want %q", got, want)
	}
}

func TestDocumentDBScriptFails(t *testing.T) {
	dir := fakeInstallation(t, "echo documentdb: cannot run here >&2; exit 77\n")
	_, err := Start(t.Context(), Options{Kind: DocumentDB, DocumentDB: dir, Data: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "cannot run here") || !strings.Contains(err.Error(), "exit status 77") {
		t.Errorf("error is %v; want the script's own words and exit code", err)
	}
}
