package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// documentDBDefault is where scripts/documentdb.sh installs unless told otherwise.
	documentDBDefault = "/opt/vida-documentdb"
	// documentDBVariable names another place, to the script as well.
	documentDBVariable = "VIDA_DOCUMENTDB_DIR"
	// documentDBStopPatience is what two PostgreSQL servers may take to stop.
	documentDBStopPatience = 90 * time.Second
)

// startDocumentDB has the installed script serve a pair. The script stops it when its standard input
// ends, so that the servers do not outlive this process even where it is killed.
func (s *Servers) startDocumentDB(ctx context.Context, options Options) error {
	dir := options.DocumentDB
	if dir == "" {
		dir = os.Getenv(documentDBVariable)
	}
	if dir == "" {
		dir = documentDBDefault
	}
	script := filepath.Join(dir, "documentdb.sh")
	if _, err := os.Stat(script); err != nil {
		return fmt.Errorf("not installed in %s: run `scripts/documentdb.sh --dir %s install` as root (Debian; some minutes, once), or name the installation with --documentdb-dir", dir, dir)
	}
	args := []string{"--dir", dir, "--run", filepath.Join(options.Data, "documentdb")}
	if options.Keep {
		args = append(args, "--keep")
	}
	if options.Source.Port != 0 {
		args = append(args, "--source-port", strconv.Itoa(options.Source.Port))
	}
	if options.Target.Port != 0 {
		args = append(args, "--target-port", strconv.Itoa(options.Target.Port))
	}

	script, err := filepath.Abs(script)
	if err != nil {
		return err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), script, append(args, "serve")...)
	detach(command) // a Ctrl-C is for the command that uses the servers, not for them
	var complaints tail
	command.Stderr = &complaints
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	stop := func() error { return endOfInput(command, input) }
	// The script acts on the end of its input once the servers are up, and on a signal at any time.
	abandon := context.AfterFunc(ctx, func() { _ = command.Process.Signal(os.Interrupt) })
	defer abandon()

	sourceURI, targetURI, err := readURIs(output)
	if err != nil {
		stopped := stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.Join(err, stopped, complaints.err())
	}
	s.stops = append(s.stops, stop)
	if s.SourceURI == "" {
		s.SourceURI = sourceURI
	}
	if s.TargetURI == "" {
		s.TargetURI = targetURI
	}
	return nil
}

// readURIs reads the two lines that the script prints when its servers are up.
func readURIs(output io.Reader) (source, target string, err error) {
	lines := bufio.NewScanner(output)
	for (source == "" || target == "") && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "VIDA_TEST_SOURCE_URI":
			source = value
		case "VIDA_TEST_TARGET_URI":
			target = value
		}
	}
	if source == "" || target == "" {
		return "", "", errors.Join(errors.New("the servers did not start"), lines.Err())
	}
	return source, target, nil
}

// endOfInput closes the script's standard input and waits for it to have stopped its servers.
func endOfInput(command *exec.Cmd, input io.Closer) error {
	closed := input.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	select {
	case err := <-done:
		return errors.Join(closed, err)
	case <-time.After(documentDBStopPatience):
		return errors.Join(closed, command.Process.Kill(), <-done, errors.New("documentdb.sh did not stop its servers"))
	}
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailBytes; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

// err is what was written, as an error; nil for nothing. Call it when nothing writes any more.
func (t *tail) err() error {
	if text := strings.TrimSpace(string(t.kept)); text != "" {
		return errors.New(text)
	}
	return nil
}
