package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the program itself, built once for all tests of the package.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndTest(m)) }

func buildAndTest(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vida-sandbox-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "vida-sandbox")
	if out, err := exec.Command("go", "build", "-o", binary, "vida/sandbox/cmd/vida-sandbox").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// run is one run of the program, whose temporary files go to a directory of their own.
type run struct {
	*exec.Cmd
	temporary string
}

func sandbox(t *testing.T, args ...string) run {
	t.Helper()
	r := run{exec.CommandContext(t.Context(), binary, args...), t.TempDir()}
	r.Env = append(os.Environ(), "TMPDIR="+r.temporary, "COSMOS_DB_NAME=", "COSMOS_DB_COLLECTION=", "MONGODB_ATLAS_DB_NAME=", "MONGODB_ATLAS_COLLECTION=")
	r.WaitDelay = 10 * time.Second
	return r
}

// checkLeft fails the test where the run has left something behind.
func (r run) checkLeft(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(r.temporary)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestExecPassesTheExitCodeOn(t *testing.T) {
	dir := t.TempDir()
	notExecutable := filepath.Join(dir, "plain")
	if err := os.WriteFile(notExecutable, []byte("no program\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string // on stderr
	}{
		"success":           {[]string{"exec", "--", "true"}, 0, ""},
		"a code":            {[]string{"exec", "--", "sh", "-c", "exit 42"}, 42, ""},
		"without dashes":    {[]string{"exec", "sh", "-c", "exit 3"}, 3, ""},
		"a signal":          {[]string{"exec", "--", "sh", "-c", "kill -KILL $$"}, 128 + 9, ""},
		"not found":         {[]string{"exec", "--", "vida-nonesuch"}, 127, "vida-nonesuch"},
		"no program":        {[]string{"exec", "--", notExecutable}, 126, "exec format error"},
		"nothing to run":    {[]string{"exec"}, 2, "needs a command"},
		"unknown flag":      {[]string{"exec", "--nonesuch", "--", "true"}, 2, "--nonesuch"},
		"unknown engine":    {[]string{"exec", "--engine", "oracle", "--", "true"}, 2, "embedded"},
		"port out of range": {[]string{"exec", "--source-port", "70000", "--", "true"}, 2, "70000"},
		"one port for both": {[]string{"exec", "--source-port", "4000", "--target-port", "4000", "--", "true"}, 2, "the same"},
		"URI and port":      {[]string{"exec", "--source-uri", "mongodb://x/", "--source-port", "4000", "--", "true"}, 2, "exclude each other"},
		"unusable data":     {[]string{"exec", "--data", notExecutable, "--", "true"}, 125, "data directory"},
		"no DocumentDB":     {[]string{"exec", "--engine", "documentdb", "--documentdb-dir", dir, "--", "true"}, 125, "documentdb.sh"},
		"too many bytes":    {[]string{"exec", "--engine", "null", "--document-bytes", "99999999", "--", "true"}, 2, "99999999"},
		"flag of another":   {[]string{"exec", "--documents", "5", "--", "true"}, 2, "--engine null"},
		"no command":        {nil, 2, ""},
		"unknown command":   {[]string{"server"}, 2, "server"},
	} {
		t.Run(name, func(t *testing.T) {
			command := sandbox(t, c.args...)
			var stderr bytes.Buffer
			command.Stderr = &stderr
			_ = command.Run()
			if got := command.ProcessState.ExitCode(); got != c.code {
				t.Errorf("exit code %d; want %d; stderr: %s", got, c.code, stderr.String())
			}
			if !strings.Contains(stderr.String(), c.says) || c.code < 2 && stderr.Len() > 0 {
				t.Errorf("stderr is %q; want one with %q", stderr.String(), c.says)
			}
			command.checkLeft(t)
		})
	}
}

func TestExecTellsTheCommandOfTheServers(t *testing.T) {
	command := sandbox(t, "exec", "--source-uri", "mongodb://elsewhere/", "--", "sh", "-c", "cat; env")
	command.Env = append(command.Env, "COSMOS_DB_NAME=garage", "COSMOS_DB_CONNECTION_STRING=mongodb://production/")
	command.Stdin = strings.NewReader("STDIN=handed on\n")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"STDIN=handed on",
		"COSMOS_DB_CONNECTION_STRING=mongodb://elsewhere/",
		"COSMOS_DB_NAME=garage",
		"COSMOS_DB_COLLECTION=serviceorders",
		"MONGODB_ATLAS_CONNECTION_STRING=mongodb://127.0.0.1:",
		"MONGODB_ATLAS_DB_NAME=volvo-service-orders",
		"MONGODB_ATLAS_COLLECTION=serviceorders",
		"VIDA_TEST_SOURCE_URI=mongodb://elsewhere/",
		"VIDA_TEST_TARGET_URI=mongodb://127.0.0.1:",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the command's environment has no %s:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "production") {
		t.Error("the command was told of the server that its caller's environment names")
	}
}

// started starts a command and waits for a line of its output that begins with prefix; it returns what follows in that line.
func started(t *testing.T, command run, prefix string) string {
	t.Helper()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("%v ended before it printed %q", command.Args, prefix)
	return ""
}

func TestExecHandsSignalsOn(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			// The command counts the signal, outlives it, and ends with a code that tells.
			script := fmt.Sprintf(`n=0; trap 'n=$((n+1))' %d; echo up; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; exit $((60+n))`, int(signal))
			command := sandbox(t, "exec", "--", "sh", "-c", script)
			command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
			started(t, command, "up")
			// To the whole group, as a supervisor may do: the command must still see it once.
			if err := syscall.Kill(-command.Process.Pid, signal); err != nil {
				t.Fatal(err)
			}
			_ = command.Wait()
			if got := command.ProcessState.ExitCode(); got != 61 {
				t.Errorf("exit code %d; want 61, the command's own after one signal", got)
			}
			command.checkLeft(t)
		})
	}
}

func TestExecServersOutliveASignal(t *testing.T) {
	script := `trap : TERM; echo up; sleep 5 & wait; kill $!; port=${VIDA_TEST_TARGET_URI##*:}; exec 3<>/dev/tcp/127.0.0.1/${port%/} && exit 33`
	command := sandbox(t, "exec", "--", "bash", "-c", script)
	started(t, command, "up")
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if got := command.ProcessState.ExitCode(); got != 33 {
		t.Errorf("exit code %d; want 33: the target must answer while the command still works", got)
	}
}

func TestServe(t *testing.T) {
	envFile := filepath.Join(t.TempDir(), "sandbox.env")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := sandbox(t, "serve", "--env-file", envFile)
		uri := started(t, command, "export VIDA_TEST_TARGET_URI=")
		text, err := os.ReadFile(envFile)
		if err != nil {
			t.Fatal(err)
		}
		if want := "VIDA_TEST_TARGET_URI=" + strings.Trim(uri, "'"); !strings.Contains(string(text), want+"\n") {
			t.Errorf("the file has no %s:\n%s", want, text)
		}
		if info, err := os.Stat(envFile); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of the file is %v, %v; want 0600", info.Mode(), err)
		}
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("%v: %v; want exit code 0", signal, err)
		}
		if _, err := os.Stat(envFile); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
		command.checkLeft(t)
	}
}

func TestServeReplacesNoFileOfTheUsers(t *testing.T) {
	mine := filepath.Join(t.TempDir(), ".env_local")
	if err := os.WriteFile(mine, []byte("KEY=value\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := sandbox(t, "serve", "--env-file", mine)
	out, _ := command.CombinedOutput()
	if command.ProcessState.ExitCode() != 125 || !strings.Contains(string(out), "--env-file") {
		t.Errorf("exit code %d, output %q", command.ProcessState.ExitCode(), out)
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "KEY=value\n" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestNullEngineReportsAtTheEnd(t *testing.T) {
	command := sandbox(t, "exec", "--engine", "null", "--documents", "61000000", "--id-kind", "uuid", "--skew", "--", "true")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"source: 0 documents served", "61000000 there now", "target: 0 documents served", "0 wrong, 0 doubled; 0 there now"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestServeShowsNoPassword(t *testing.T) {
	command := sandbox(t, "serve", "--source-uri", "mongodb://me:hu/nter2@a:1,b:2/?appName=@x@")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	shown := bufio.NewScanner(out)
	var text strings.Builder
	for shown.Scan() {
		fmt.Fprintln(&text, shown.Text())
		if strings.HasPrefix(shown.Text(), "export VIDA_TEST_TARGET_URI") {
			break
		}
	}
	_ = command.Process.Signal(os.Interrupt)
	_ = command.Wait()
	if strings.Contains(text.String(), "nter2") || !strings.Contains(text.String(), "mongodb://me:xxxxx@a:1,b:2/") {
		t.Errorf("output is\n%s", text.String())
	}
}
