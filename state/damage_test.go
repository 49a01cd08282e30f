package state

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// began stores a plan with a step of one unit and returns its folder.
func began(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := opened(t, dir)
	if err := s.SaveStep(Step{Name: "copy", Type: "copy", Identity: []byte("{}"), Status: "running"}); err != nil {
		t.Fatal(err)
	}
	units := make([]Unit, 500) // some pages, so that there is something to damage
	for n := range units {
		units[n] = Unit{ID: fmt.Sprintf("orders/%05d", n), Spec: []byte(`{"from":"orders"}`)}
	}
	if err := s.Divide("copy", units); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func opened(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, "plan")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADamagedFileIsNamedAndLeftAsItIs(t *testing.T) {
	execute := func(t *testing.T, file, statement string) {
		t.Helper()
		db, err := sql.Open("sqlite3", file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		damage func(t *testing.T, file string)
		says   string
	}{
		"truncated": {func(t *testing.T, file string) {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(file, info.Size()/2); err != nil {
				t.Fatal(err)
			}
		}, "the file is damaged"},
		"truncated inside of its first page": {func(t *testing.T, file string) {
			if err := os.Truncate(file, 1000); err != nil {
				t.Fatal(err)
			}
		}, "the file is damaged"},
		"emptied under its log": {func(t *testing.T, file string) {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file+"-wal", bytes.Repeat([]byte{7}, 5000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "the file is empty, but its log"},
		"overwritten in the middle": {func(t *testing.T, file string) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for n := 5 * 4096; n < 8*4096; n++ {
				content[n] = 0xA5
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "the file is damaged"},
		"no database": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(strings.Repeat("a text, and no database\n", 400)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a state of vida"},
		"of a newer vida": {func(t *testing.T, file string) {
			execute(t, file, "PRAGMA user_version = 99")
		}, "made by a newer vida (version 99"},
		"of another program": {func(t *testing.T, file string) {
			execute(t, file, "PRAGMA application_id = 5")
		}, "the database of another program"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := began(t)
			file := Path(dir, "plan")
			c.damage(t, file)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, "plan")
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if text := err.Error(); !strings.Contains(text, c.says) || !strings.Contains(text, file) || strings.Contains(text, "\n") {
				t.Errorf("%q does not say %q and name the file on one line", text, c.says)
			}
			after, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestADatabaseOfAnotherProgramIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite3", Path(dir, "plan"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE mine (a); PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "plan"); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("%v", err)
	}
}

func TestAFolderInThePlaceOfTheFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(Path(dir, "plan"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "plan"); err == nil || !strings.Contains(err.Error(), "is a directory") || !strings.Contains(err.Error(), "--state") {
		t.Errorf("%v", err)
	}
}

// What a power loss may leave of the log is a part of it, or a part and something torn. Whatever it is, the file
// opens, and holds one of the commits, the later the more of the log is there.
func TestEveryRemainderOfTheLogOpensAndHoldsACommit(t *testing.T) {
	dir := began(t)
	s := opened(t, dir)
	defer func() { _ = s.Close() }()
	const commits = 60
	sizes := make([]int, commits+1) // of the log after each commit
	for n := range commits {
		if _, err := s.SaveCheckpoint("copy", "orders/00007", Checkpoint{Checkpoint: []byte(fmt.Sprint(n + 1)), Counts: []byte("{}"), Rejects: []Reject{{Namespace: "a.b", ID: fmt.Sprint(n), Message: "m"}}}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(Path(dir, "plan") + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		sizes[n+1] = int(info.Size())
	}
	file, err := os.ReadFile(Path(dir, "plan"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(Path(dir, "plan") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= len(log); cut += 11_003 { // lands inside of headers, frames and pages
		full := 0
		for full < commits && sizes[full+1] <= cut {
			full++
		}
		for name, tail := range map[string][]byte{"cut": nil, "torn": bytes.Repeat([]byte{0x5A}, 3000), "zeroes": make([]byte, 9000)} {
			if name != "cut" && cut == len(log) {
				continue
			}
			remains := t.TempDir()
			write(t, Path(remains, "plan"), file)
			write(t, Path(remains, "plan")+"-wal", append(bytes.Clone(log[:cut]), tail...))
			holds(t, fmt.Sprintf("log of %d, %s at %d", len(log), name, cut), remains, full)
		}
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, what, dir string, commits int) {
	t.Helper()
	s, err := Open(dir, "plan")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer func() { _ = s.Close() }()
	units, err := s.Units("copy")
	if err != nil || len(units) != 500 {
		t.Fatalf("%s: %d units, %v", what, len(units), err)
	}
	rejects, err := s.Rejects(RejectQuery{Limit: 1000})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got := 0
	if text := string(units[7].Checkpoint); text != "" {
		if _, err := fmt.Sscan(text, &got); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if got != commits || len(rejects) != commits {
		t.Errorf("%s: the checkpoint is %d and there are %d rejects, want %d of both", what, got, len(rejects), commits)
	}
}

func TestTheStateIsItsOwnersAlone(t *testing.T) {
	dir := began(t)
	info, err := os.Stat(filepath.Join(dir, "plan.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
