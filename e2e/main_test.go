package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What every test uses: the binary under test and the servers it works on.
var (
	vida      string
	sandbox   string
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
	defer func() { _ = os.RemoveAll(dir) }()

	vida = filepath.Join(dir, "vida")
	var flags []string
	if raceDetector {
		flags = append(flags, "-race")
	}
	if err := build(vida, "..", ".", flags...); err != nil {
		return 0, err
	}
	sandbox = filepath.Join(dir, "vida-sandbox")
	if err := build(sandbox, "../sandbox", "./cmd/vida-sandbox"); err != nil {
		return 0, err
	}
	sourceURI, targetURI = os.Getenv("VIDA_TEST_SOURCE_URI"), os.Getenv("VIDA_TEST_TARGET_URI")
	if sourceURI == "" || targetURI == "" {
		stop, err := startSandbox()
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

// startSandbox keeps an embedded source and target up for the length of the tests. The source is the bare
// server: tests that want a Cosmos DB account before it start one (see startDouble).
func startSandbox() (stop func(), err error) {
	s, err := startServe("--cosmos=off")
	if err != nil {
		return nil, err
	}
	sourceURI, targetURI = s.variables["VIDA_TEST_SOURCE_URI"], s.variables["VIDA_TEST_TARGET_URI"]
	return s.stop, nil
}
