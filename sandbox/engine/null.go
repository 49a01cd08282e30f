package engine

import "vida/sandbox/engine/null"

// startNull starts a source of the virtual collection and a sink that checks it.
func (s *Servers) startNull(options Options) error {
	type listen func(string, null.Options) (*null.Server, error)
	with := func(side Side, listen listen) func(string, string) (string, func() error, error) {
		named := options.Null
		named.Database, named.Collection, named.Altered = side.Database, side.Collection, side.Altered
		return func(name, address string) (string, func() error, error) {
			server, err := listen(address, named)
			if err != nil {
				return "", nil, err
			}
			s.reports = append(s.reports, func() string { return name + ": " + server.Stats().String() })
			return server.URI(), server.Close, nil
		}
	}
	source, target := options.Source, options.Target
	if err := s.startSide("source", source, &s.SourceURI, with(source, null.NewSource)); err != nil {
		return err
	}
	start := null.NewSink
	if target.Whole {
		start = null.NewSource
	}
	return s.startSide("target", target, &s.TargetURI, with(target, start))
}
