package plans

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse asserts that no text makes the parser panic or hang, and that each diagnostic has a place.
func FuzzParse(f *testing.F) {
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	shipped, err := filepath.Glob("*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range shipped {
		source, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte(everything))
	options := Options{
		Environ:  append([]string{"SOURCE=mongodb://u:p@h/d", "PRIVATE=x", "TOTAL=1"}, twoURIs...),
		ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		plan, found := Parse("p.yaml", source, options)
		if (plan == nil) != (len(found) > 0) {
			t.Fatalf("plan %v with %d diagnostics", plan, len(found))
		}
		for _, d := range found {
			if d.File == "" || d.Line < 1 || d.Column < 1 || d.Message == "" || !utf8.ValidString(d.Snippet) {
				t.Fatalf("%+v", d)
			}
		}
		_ = found.String()
		if plan == nil {
			return
		}
		for _, s := range plan.Steps {
			if s.Spec == nil || s.Name == "" || len(s.Identity) == 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
