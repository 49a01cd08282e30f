package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// running is a vida that has been started.
type running struct {
	t       testing.TB
	command *exec.Cmd
	stdout  output
	stderr  output
	ended   chan struct{}
}

// output is what a process writes, readable meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts vida in a process group of its own.
func (j *job) start(args ...string) *running {
	j.t.Helper()
	r := &running{t: j.t, command: j.command(args...), ended: make(chan struct{})}
	r.command.Stdout, r.command.Stderr = &r.stdout, &r.stderr
	r.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.command.Start(); err != nil {
		j.t.Fatal(err)
	}
	go func() {
		_ = r.command.Wait()
		close(r.ended)
	}()
	j.t.Cleanup(func() {
		_ = r.command.Process.Kill() // fails where it has ended
		<-r.ended
	})
	return r
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	if err := r.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.t.Fatal(err)
	}
}

// wait returns how it ended.
func (r *running) wait() outcome {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(2 * time.Minute):
		r.signal(syscall.SIGQUIT)
		<-r.ended
		r.t.Fatalf("vida did not end:\n%s", r.stderr.String())
	}
	return outcome{code: r.command.ProcessState.ExitCode(), stdout: r.stdout.String(), stderr: r.stderr.String()}
}

// hasEnded tells whether it has, by itself or not.
func (r *running) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// says waits until vida has said something on stderr, or has ended.
func (r *running) says(text string) {
	r.t.Helper()
	waitFor(r.t, func() bool { return strings.Contains(r.stderr.String(), text) || r.hasEnded() })
}

// killWhen starts vida and kills it as kill -9 does once done reports true. It tells whether vida ended by itself
// before.
func (j *job) killWhen(done func() bool, args ...string) (ended bool) {
	j.t.Helper()
	r := j.start(args...)
	waitFor(j.t, func() bool { return r.hasEnded() || done() })
	r.signal(syscall.SIGKILL)
	<-r.ended
	return r.command.ProcessState.ExitCode() >= 0
}
