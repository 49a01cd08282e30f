package steps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint/indexes"
)

func report(t *testing.T, keys ...string) []byte {
	t.Helper()
	var listing []bson.Raw
	for _, key := range keys {
		raw, err := bson.Marshal(bson.D{{Key: "key", Value: bson.D{{Key: key, Value: 1}}}, {Key: "name", Value: key + "_1"}})
		if err != nil {
			t.Fatal(err)
		}
		listing = append(listing, raw)
	}
	return indexes.Write([]string{"heading"}, []indexes.Documented{{Name: "orders", Report: indexes.Translate(listing, indexes.Source{})}})
}

func TestWriteIndexFile(t *testing.T) {
	one, two := report(t, "a"), report(t, "a", "b")
	commented := []byte(strings.Replace(string(one), "# heading", "# another heading", 1))
	tests := map[string]struct {
		before  []byte // nil: no file
		says    string
		backup  bool
		refused string
	}{
		"new":                  {nil, "wrote", false, ""},
		"the same":             {one, "says the same", false, ""},
		"other comments":       {commented, "wrote", false, ""},
		"other indexes":        {two, ".bak", true, ""},
		"edited into mistakes": {[]byte(strings.Replace(string(one), "key:", "kex:", 1)), ".bak", true, ""},
		"no index file":        {[]byte("version: 1\nname: plan\nsteps: []\n"), "", false, "no index file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "indexes.yaml")
			if test.before != nil {
				if err := os.WriteFile(path, test.before, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			notes, err := writeIndexFile(path, one)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("%v", err)
				}
				expectFile(t, path, test.before)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(notes, "\n"); !strings.Contains(text, test.says) {
				t.Errorf("says %q", text)
			}
			expectFile(t, path, one)
			if test.backup {
				expectFile(t, path+".bak", test.before)
			} else if _, err := os.Stat(path + ".bak"); !os.IsNotExist(err) {
				t.Errorf("a backup: %v", err)
			}
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func expectFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
		t.Errorf("%s holds\n%s\nwant\n%s\n%v", path, got, want, err)
	}
}

func TestAnIndexFileThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if _, err := writeIndexFile(filepath.Join(dir, "none", "indexes.yaml"), []byte("x")); err == nil || !strings.Contains(err.Error(), "folder does not exist") {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := writeIndexFile(dir, []byte("x")); err == nil {
		t.Error("a folder was written")
	}
	if _, err := readIndexFile(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "there is no index file") {
		t.Errorf("a missing file: %v", err)
	}
}
