package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is every import inside the project that is allowed; ARCHITECTURE.md draws it.
var mayImport = map[string][]string{
	"vida":                  {"vida/cli"},
	"vida/cli":              {"vida/runner", "vida/ui", "vida/plans"},
	"vida/ui":               {"vida/runner", "vida/plans"},
	"vida/runner":           {"vida/steps", "vida/state", "vida/plans", "vida/plans/expression", "vida/endpoint"},
	"vida/steps":            {"vida/steps/mongodump", "vida/endpoint", "vida/endpoint/indexes", "vida/model", "vida/plans", "vida/plans/expression"},
	"vida/steps/mongodump":  {},
	"vida/plans":            {"vida/plans/expression"},
	"vida/plans/expression": {},
	"vida/endpoint":         {},
	"vida/endpoint/indexes": {},
	"vida/model":            {},
	"vida/state":            {},
	"vida/e2e":              {},
}

func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		allowed, known := mayImport[pkg.ImportPath]
		if !known {
			t.Errorf("package %s has no place in the architecture: add it here and to ARCHITECTURE.md", pkg.ImportPath)
		}
		for _, imported := range pkg.Imports {
			if (imported == "vida" || strings.HasPrefix(imported, "vida/")) && !slices.Contains(allowed, imported) {
				t.Errorf("%s must not import %s", pkg.ImportPath, imported)
			}
		}
	}
}

// The binary that operators run must not carry the sandbox and its engines.
func TestTheBinaryDoesNotLinkTheSandbox(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"FerretDB", "vida/sandbox"} {
		if strings.Contains(string(out), name) {
			t.Errorf("the binary links %s", name)
		}
	}
}
