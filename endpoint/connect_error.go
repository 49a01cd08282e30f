package endpoint

import (
	"errors"
	"fmt"
)

func connectFailure(err error, config Config) error {
	err = Diagnose(err, config.URI)
	var diagnosed *ConnectError
	if errors.As(err, &diagnosed) {
		diagnosed.Connection = config.Name
		return err
	}
	return fmt.Errorf("connection %s: %w", config.Name, err)
}

// scrubbed shows an error without the secrets of a connection string; what it wraps stays reachable.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.err }

func (r *Reader) scrub(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := Scrub(text, r.config.URI); clean != text {
		return &scrubbed{text: clean, err: err}
	}
	return err
}
