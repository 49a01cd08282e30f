package steps

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vida/endpoint"
	"vida/endpoint/indexes"
	"vida/plans"
)

func indexFileHeading(reader *endpoint.Reader) []string {
	product := map[string]string{endpoint.KindCosmos: "Cosmos DB", endpoint.KindDocumentDB: "DocumentDB"}[reader.Server().Kind]
	if product == "" {
		product = "MongoDB"
	}
	return []string{
		fmt.Sprintf("Indexes of %s, read from %s (connection %s).", reader.Database(), product, reader.Name()),
		"A create-indexes step with `file:` creates what stands here, so edit it as you like.",
		"The comments say what was kept, changed or dropped, and why. A dropped index is a comment only.",
	}
}

// missingIndexFile is the error for an index file that is not there.
type missingIndexFile struct{ path string }

func (e *missingIndexFile) Error() string {
	return "there is no index file " + e.path + ": an extract-indexes step with `output:` writes one"
}

// readIndexFile reads an index file. The error has every mistake in it with its place.
func readIndexFile(path string) ([]indexes.Collection, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &missingIndexFile{path}
	case err != nil:
		return nil, fmt.Errorf("read the index file: %w", err)
	}
	collections, found := parseIndexFile(path, text)
	if len(found) == 0 {
		return collections, nil
	}
	count := "a mistake"
	if len(found) > 1 {
		count = fmt.Sprintf("%d mistakes", len(found))
	}
	return nil, fmt.Errorf("the index file %s has %s:\n%s", path, count, strings.TrimRight(found.String(), "\n"))
}

// CheckIndexFile finds every mistake of an index file.
func CheckIndexFile(path string, text []byte) plans.Diagnostics {
	_, found := parseIndexFile(path, text)
	return found
}

func parseIndexFile(path string, text []byte) ([]indexes.Collection, plans.Diagnostics) {
	collections, mistakes := indexes.Parse(text)
	var found plans.Diagnostics
	for _, m := range mistakes {
		found = append(found, plans.At(path, text, plans.Position{Line: m.Line, Column: m.Column}, m.Message, m.Hint))
	}
	return collections, found
}

// writeIndexFile puts an index file in place, whole or not at all, and tells what it did. What somebody may have
// edited is kept beside it.
func writeIndexFile(path string, content []byte) (notes []string, err error) {
	there, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{"wrote " + path}, replaceFile(path, content)
	case err != nil:
		return nil, fmt.Errorf("write the index file: %w", err)
	case bytes.Equal(there, content):
		return []string{path + " is there already and says the same"}, nil
	}
	edited, mistakes := indexes.Parse(there)
	if len(mistakes) > 0 && !bytes.Contains(there, []byte("\ncollections:")) {
		return nil, fmt.Errorf("%s is there already and is no index file: name another one as output, or move it away", path)
	}
	notes = []string{"wrote " + path}
	if written, _ := indexes.Parse(content); len(mistakes) > 0 || !sameIndexes(edited, written) {
		backup := path + ".bak"
		if err := replaceFile(backup, there); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("%s said something else than the source does now; what it said is in %s", path, backup))
	}
	return notes, replaceFile(path, content)
}

func sameIndexes(a, b []indexes.Collection) bool {
	if len(a) != len(b) {
		return false
	}
	for n, c := range a {
		if c.Name != b[n].Name || len(c.Indexes) != len(b[n].Indexes) {
			return false
		}
		for m, index := range c.Indexes {
			if !index.Equal(b[n].Indexes[m]) {
				return false
			}
		}
	}
	return true
}

// replaceFile writes a file beside its place and moves it there.
func replaceFile(path string, content []byte) (err error) {
	partial, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: its folder does not exist", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(partial.Name()))
		}
	}()
	_, err = partial.Write(content)
	if err == nil {
		err = partial.Chmod(0o644) // it is meant to be shared, unlike what CreateTemp makes
	}
	if err == nil {
		err = partial.Sync()
	}
	if err = errors.Join(err, partial.Close()); err != nil {
		return err
	}
	return os.Rename(partial.Name(), path)
}
