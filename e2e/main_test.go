package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What every test uses: the binary under test and the servers it works on.
var (
	vida      string
	sourceURI string
	targetURI string
)

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "vida-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)

	vida = filepath.Join(dir, "vida")
	var flags []string
	if raceDetector {
		flags = append(flags, "-race")
	}
	if err := build(vida, "..", ".", flags...); err != nil {
		return 0, err
	}
	sourceURI, targetURI = os.Getenv("VIDA_TEST_SOURCE_URI"), os.Getenv("VIDA_TEST_TARGET_URI")
	if sourceURI == "" || targetURI == "" {
		stop, err := startSandbox(dir)
		if err != nil {
			return 0, err
		}
		defer stop()
	}
	return m.Run(), nil
}

func build(out, dir, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", out}, flags...)
	command := exec.Command("go", append(args, pkg)...)
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// startSandbox keeps an embedded source and target up for the length of the tests.
func startSandbox(dir string) (stop func(), err error) {
	binary := filepath.Join(dir, "vida-sandbox")
	if err := build(binary, "../sandbox", "./cmd/vida-sandbox"); err != nil {
		return nil, err
	}
	envFile := filepath.Join(dir, "sandbox.env")
	command := exec.Command(binary, "serve", "--env-file", envFile)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stop = func() {
		_ = command.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the sandbox ended: %w", err)
		default:
		}
		if readSandbox(envFile) {
			return stop, nil
		}
	}
	stop()
	return nil, fmt.Errorf("the sandbox did not start within a minute")
}

// readSandbox takes the URIs from the sandbox's file, which appears whole.
func readSandbox(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		value = strings.Trim(value, `'"`)
		switch name {
		case "VIDA_TEST_SOURCE_URI":
			sourceURI = value
		case "VIDA_TEST_TARGET_URI":
			targetURI = value
		}
	}
	return sourceURI != "" && targetURI != ""
}
