package expression

// Assignment is one entry of `set`.
type Assignment struct{ Path, Text string }

// CompileTransform compiles filter, set and unset; nil where there is nothing to do.
func CompileTransform(filter string, set []Assignment, unset []string) (*Transform, error) {
	if filter == "" && len(set) == 0 && len(unset) == 0 {
		return nil, nil
	}
	return nil, &Error{Field: "filter", Line: 1, Column: 1, Message: "filter, set and unset are not available yet"}
}

// NewWorker returns a worker for one goroutine.
func (t *Transform) NewWorker() Worker { return nil }
