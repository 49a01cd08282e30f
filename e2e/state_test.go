package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vida/state"
)

// began has the job's plan interrupted in the middle of its copy, and returns the plan and the state's file.
func (j *job) began(d *double) (plan, file string) {
	j.t.Helper()
	j.through(d)
	insert(j.t, j.source.Collection("orders"), numbered(1200))
	d.rules("target", someThenSlow)
	plan = j.planWith("damaged", faultyTuning, slowCopy)
	r := j.start("run", plan, "--progress", "none")
	waitFor(j.t, func() bool { return d.fired("target") > 0 && count(j.t, j.target.Collection("orders")) > 0 })
	r.signal(os.Interrupt)
	if o := r.wait(); o.code != 130 {
		j.t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	d.rules("target", "rules: []")
	return plan, state.Path(filepath.Join(j.dir, "state"), "damaged")
}

// A state that cannot be used is named, before anything is done, with what to do. Done, it goes on, or starts over,
// and finds what had arrived.
func TestAStateThatCannotBeUsed(t *testing.T) {
	d := faulty(t)
	cases := map[string]struct {
		damage func(t *testing.T, file string)
		says   []string
	}{
		"truncated": {func(t *testing.T, file string) {
			info, err := os.Stat(file)
			if err == nil {
				err = os.Truncate(file, info.Size()/2)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"damaged", "restore it from a copy, or move it"}},
		"no database": {func(t *testing.T, file string) {
			writeFile(t, file, strings.Repeat("no database\n", 1000))
		}, []string{"not a state of vida"}},
		"of a newer version": {func(t *testing.T, file string) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			copy(content[60:64], []byte{0, 0, 0, 99}) // the version, in SQLite's header
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"made by a newer vida (version 99"}},
		"a folder": {func(t *testing.T, file string) {
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, []string{"is a directory"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			plan, file := j.began(d)
			c.damage(t, file)
			before, _ := os.ReadFile(file)
			arrived := count(t, j.target.Collection("orders"))
			for _, args := range [][]string{{"run", plan, "--progress", "none"}, {"run", plan, "--dry-run"}, {"status", plan}, {"reset", plan, "--yes"}} {
				if args[0] == "reset" && name == "a folder" {
					continue // which holds no progress to reset
				}
				o := j.mustVida(1, args...)
				for _, part := range append(c.says, file) {
					if !strings.Contains(o.stderr, part) {
						t.Errorf("%s does not say %q:\n%s", args[0], part, o.stderr)
					}
				}
			}
			if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
			want(t, "documents meanwhile", count(t, j.target.Collection("orders")), arrived)
			if err := os.Rename(file, file+".away"); err != nil {
				t.Fatal(err)
			}
			copied := j.run(0, plan).step(t, "copy")
			copied.balanced(t)
			want(t, "identical", copied.Identical, arrived)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// smallDisk is a folder on a disk of that size, until it has room again.
func (j *job) smallDisk(size string) (folder string, grow func()) {
	j.t.Helper()
	folder = filepath.Join(j.dir, "small")
	if err := os.Mkdir(folder, 0o700); err != nil {
		j.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		j.t.Skipf("a small disk needs root: mount: %v", err)
	}
	j.t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			j.t.Error(err)
		}
	})
	return folder, func() {
		j.t.Helper()
		if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size=32m"); err != nil {
			j.t.Fatal(err)
		}
	}
}

// The disk of the state is full: the run ends with a message that says so, nothing that was not saved counts as done,
// and with room again the same command goes on.
func TestNoSpaceForTheState(t *testing.T) {
	j := newJob(t)
	folder, grow := j.smallDisk("300k")
	insert(t, j.source.Collection("orders"), numbered(4000))
	plan := j.planWith("full", strings.Replace(faultyTuning, "batch_documents: 40", "batch_documents: 10", 1), slowCopy)
	o := j.mustVida(1, "run", plan, "--progress", "none", "--state", folder, "--output", "json")
	if !strings.Contains(o.stderr, "no space left for the state") || !strings.Contains(o.stderr, state.Path(folder, "full")) || strings.Count(o.stderr, "no space left") != 1 {
		t.Errorf("does not say what is wrong, once:\n%s", o.stderr)
	}
	arrived := count(t, j.target.Collection("orders"))
	if arrived == 0 || arrived == 4000 {
		t.Errorf("%d documents had arrived: the test proves little", arrived)
	}
	grow()
	o = j.mustVida(0, "run", plan, "--progress", "none", "--state", folder, "--output", "json")
	copied := j.report(o).step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, 4000)
	if copied.Identical > 2*uncoveredBatches*10+20 {
		t.Errorf("%d documents were sent twice", copied.Identical)
	}
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// Somebody else's state, or a folder that may not be written to.
func TestAStateThatMayNotBeWritten(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("to run vida as another user needs root")
	}
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(10))
	plan := j.planWith("mine", faultyTuning, slowCopy)
	for _, path := range []string{plan, filepath.Dir(vida), filepath.Dir(j.dir), j.dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	asNobody := func(args ...string) outcome {
		t.Helper()
		command := j.command(args...)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := command.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return outcome{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	}
	says := func(what string, o outcome) {
		t.Helper()
		if o.code != 1 || !strings.Contains(o.stderr, "permission denied") || !strings.Contains(o.stderr, "choose another folder with --state") {
			t.Errorf("%s: exit code %d\n%s", what, o.code, o.stderr)
		}
	}
	says("a folder that cannot be made", asNobody("run", plan, "--state", filepath.Join(j.dir, "new")))
	j.mustVida(0, "run", plan)
	says("a file of another user", asNobody("run", plan))
	want(t, "in the target", count(t, j.target.Collection("orders")), 10)
}
