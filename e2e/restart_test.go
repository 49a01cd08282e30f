package e2e

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// restartable is a server of a test's own with the suite's data, or data of its own, that can be killed and started
// again on the same port.
type restartable struct {
	t       testing.TB
	address string
	start   func() (stop func())
	stop    func()
}

// restartableSides returns a source and a target: on DocumentDB one more gateway before each of the suite's servers,
// on the embedded engine two servers of their own, which share a process.
func restartableSides(t testing.TB) (source, target *restartable) {
	t.Helper()
	source, target = &restartable{t: t, address: freeAddress(t)}, &restartable{t: t, address: freeAddress(t)}
	if os.Getenv("VIDA_DOCUMENTDB_RUN") != "" {
		for side, r := range map[string]*restartable{"source": source, "target": target} {
			r.start = func() func() {
				return r.process("../scripts/documentdb.sh", "gateway", side, port(r.address))
			}
		}
	} else {
		if os.Getenv("VIDA_TEST_TARGET_URI") != "" {
			t.Skip("the servers under test are not ours to kill")
		}
		data := t.TempDir()
		source.start = func() func() {
			return source.process(sandbox, "serve", "--cosmos=off", "--data", data, "--source-port", port(source.address), "--target-port", port(target.address))
		}
		target.start = func() func() { return func() {} } // lives and dies with the source
	}
	for _, r := range []*restartable{source, target} {
		r.stop = r.start()
		t.Cleanup(func() { r.stop() })
	}
	for _, r := range []*restartable{source, target} {
		r.answers()
	}
	return source, target
}

func (r *restartable) uri() string { return "mongodb://" + r.address + "/" }

// process starts a program and returns what kills it as kill -9 does.
func (r *restartable) process(name string, args ...string) (kill func()) {
	r.t.Helper()
	command := exec.Command(name, args...)
	var stderr output
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	return func() {
		_ = command.Process.Kill()
		<-ended
	}
}

func (r *restartable) answers() {
	r.t.Helper()
	waitFor(r.t, func() bool {
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

// restart kills the server and has it away for a while.
func (r *restartable) restart(away time.Duration) {
	r.t.Helper()
	r.stop()
	time.Sleep(away)
	r.stop = r.start()
	r.answers()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// A server that is killed and started again in the middle of a copy is waited for.
func TestAServerIsKilledAndStartsAgain(t *testing.T) {
	source, target := restartableSides(t)
	sides := map[string]*restartable{"source": source}
	if os.Getenv("VIDA_DOCUMENTDB_RUN") != "" {
		sides["target"] = target
	} // else both are one process
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			j := newJobOn(t, source.uri(), target.uri())
			insert(t, j.source.Collection("orders"), numbered(3000))
			plan := j.planWith("restarted", strings.Replace(faultyTuning, "700ms", "20s", 1), faultyCopy)
			r := j.start("run", plan, "--output", "json", "--progress", "none")
			waitFor(t, func() bool { return count(t, j.target.Collection("orders")) >= 200 })
			away := 700 * time.Millisecond
			if name == "source" {
				away = 6 * time.Second // long enough to be told of
			}
			side.restart(away)
			o := r.wait()
			if o.code != 0 {
				t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
			}
			if name == "source" {
				contains(t, "the log", o.stdout, "no server answers since 5s, waiting for one: connection source: cannot reach ", "connection source: a server answers again, after ")
			}
			copied := j.report(o).step(t, "copy")
			copied.balanced(t)
			want(t, "read", copied.Read, 3000)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}
