package plans

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// Options are what a plan is loaded with.
type Options struct {
	Set     map[string]string // --set NAME=value, which wins over everything
	Environ []string          // the process environment as os.Environ has it

	// ReadFile reads the plan, its environment files and its index files; os.ReadFile when nil.
	ReadFile func(name string) ([]byte, error)

	// IndexFile finds the mistakes of an index file that the plan names; nil: index files are not looked into.
	IndexFile func(name string, text []byte) Diagnostics
}

// Load reads a plan file and checks all of it. The plan is nil when there are diagnostics. The error is
// only for a file that cannot be read at all.
func Load(file string, options Options) (*Plan, Diagnostics, error) {
	if options.ReadFile == nil {
		info, err := os.Stat(file)
		switch {
		case err != nil:
			return nil, nil, unreadable(file, err)
		case info.IsDir():
			return nil, nil, fmt.Errorf("%s is a directory, not a plan file", file)
		case info.Size() > 64*maxFileBytes:
			return nil, nil, fmt.Errorf("%s has %d bytes, which no plan has", file, info.Size())
		}
		options.ReadFile = os.ReadFile
	}
	source, err := options.ReadFile(file)
	if err != nil {
		return nil, nil, unreadable(file, err)
	}
	plan, found := Parse(file, source, options)
	return plan, found, nil
}

// unreadable says why a plan cannot be read, in words for the usual reasons.
func unreadable(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no plan file %s: %w", file, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the plan file %s may not be read by this user: %w", file, fs.ErrPermission)
	}
	return fmt.Errorf("reading the plan: %w", err)
}

// Parse checks a plan whose bytes are at hand. file names it in diagnostics, and says where its environment
// files are. The plan is nil when there are diagnostics.
func Parse(file string, source []byte, options Options) (*Plan, Diagnostics) {
	if options.ReadFile == nil {
		options.ReadFile = os.ReadFile
	}
	stored := source
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	r := &reporter{text: newText(file, source)}
	root := parseYAML(r, source)
	if root == nil {
		return nil, r.sorted()
	}
	names := newScope(options.Set, options.Environ)
	e := &expander{reporter: r, names: names, open: map[*yaml.Node]bool{}}
	e.readEnvFiles(root, options.ReadFile)
	d := &decoder{e}
	tree := e.root(root)
	if e.overflow {
		return nil, r.sorted()
	}
	b := &builder{
		decoder: d,
		plan:    &Plan{File: file, Source: stored, Env: names.all()},
		records: map[*Step]*record{},
		servers: map[*Connection]address{},
		dubious: map[string]bool{},
		options: options,
	}
	if record := d.object(&planObject, tree); record != nil {
		b.build(record)
	}
	if found := r.sorted(); len(found) > 0 {
		return nil, found
	}
	return b.plan, nil
}

// root expands the plan but for its x- fields, which are a place for anchors and matter where these are used.
func (e *expander) root(n *yaml.Node) *value {
	pruned := *n
	pruned.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind != yaml.ScalarNode || len(key.Value) < 2 || key.Value[:2] != "x-" {
			pruned.Content = append(pruned.Content, key, n.Content[i+1])
		}
	}
	return e.expand(&pruned)
}

// readEnvFiles adds the environment files that a plan names to the scope. What is wrong with the list
// itself is reported later, with the other fields; their own names see --set and the environment only.
func (e *expander) readEnvFiles(root *yaml.Node, readFile func(string) ([]byte, error)) {
	var list *yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "env_files" {
			list = root.Content[i+1]
		}
	}
	if list != nil && list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	quiet := &expander{reporter: &reporter{text: e.text}, names: e.names, open: map[*yaml.Node]bool{}}
	for _, node := range list.Content {
		v := quiet.expand(node)
		if !v.isScalar() || v.broken || v.text == "" {
			continue
		}
		name, source, err := findEnvFile(filepath.Dir(e.text.file), v.text, readFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			e.names.add(v.text, nil) // it may be told as a place to set a name
		case err != nil:
			e.reportAt(v, "", "the environment file %s cannot be read: %v", v.show(), cause(err))
		case len(source) > maxFileBytes:
			e.reportAt(v, "", "the environment file %s is larger than %s", v.show(), formatSize(maxFileBytes))
		default:
			values, found := parseEnvFile(name, source)
			e.found = append(e.found, found...)
			e.names.add(v.text, values)
		}
	}
}

// findEnvFile looks for an environment file beside the plan, then in the working directory.
func findEnvFile(folder, name string, readFile func(string) ([]byte, error)) (found string, source []byte, err error) {
	if !filepath.IsAbs(name) && folder != "." {
		found = filepath.Join(folder, name)
		if source, err = readFile(found); !errors.Is(err, fs.ErrNotExist) {
			return found, source, err
		}
	}
	source, err = readFile(name)
	return name, source, err
}

// cause returns the reason without the path, which may hold what a ${NAME} stands for.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
