package plans

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is true now to testdata and plan.schema.json")

// secret stands in every golden plan's environment. It must never come out.
const secret = "s3cr3t-value"

// TestDiagnostics compares what is said about each bad plan in testdata/diagnostics with its golden text. An archive
// holds the comment line "env: NAME=value ..." where it needs an environment, the files, and "want".
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil || len(archives) < 40 {
		t.Fatalf("%d archives, want at least 40 (%v)", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string][]byte{}, -1
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				files[f.Name] = f.Data
			}
			_, found, err := Load("plan.yaml", Options{
				Environ: append([]string{"DB=shop", "SECRET=" + secret, "S_URI=mongodb://u:" + secret + "@a/shop"}, environOf(archive.Comment)...),
				ReadFile: func(name string) ([]byte, error) {
					if data, ok := files[name]; ok {
						return data, nil
					}
					return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := found.String()
			if strings.Contains(got, secret) {
				t.Errorf("a secret came out:\n%s", got)
			}
			if *update {
				entry := txtar.File{Name: "want", Data: []byte(got)}
				if want < 0 {
					archive.Files = append(archive.Files, entry)
				} else {
					archive.Files[want] = entry
				}
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 || string(archive.Files[want].Data) != got {
				t.Errorf("got:\n%s\nwant:\n%s", got, archive.Files[max(want, 0)].Data)
			}
		})
	}
}

func environOf(comment []byte) []string {
	for line := range strings.Lines(string(comment)) {
		if rest, ok := strings.CutPrefix(line, "env: "); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

func TestDiagnosticAsJSON(t *testing.T) {
	_, found := Parse("p.yaml", []byte("version: 1\nnam: x\n"), Options{})
	encoded, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"file":"p.yaml"`, `"line":2`, `"column":1`, `"message":"a plan has no field`, `"hint":"did you mean`, `"snippet":"nam: x"`} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("%s is not in %s", want, encoded)
		}
	}
}

func TestCaretStandsBelowItsPlace(t *testing.T) {
	d := Diagnostic{File: "p", Line: 7, Column: 4, Message: "m", Snippet: "\tö: x", caret: 4}
	want := "p:7:4: m\n 7 | \tö: x\n   | \t  ^\n"
	if got := d.format(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
