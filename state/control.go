package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The control of a plan is a small text beside its state by which another process asks something of its run.

func controlPath(dir, name string) string { return filepath.Join(dir, name+".control") }

// WriteControl replaces the control: who reads it finds the old text or the new one, never a part.
func WriteControl(dir, name string, text []byte) error {
	file, err := os.CreateTemp(dir, "."+name+".control-")
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), controlPath(dir, name))
	}
	if err != nil {
		return fmt.Errorf("control: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// ReadControl returns the control's text, nil where there is none.
func ReadControl(dir, name string) ([]byte, error) {
	text, err := os.ReadFile(controlPath(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return text, nil
}

// RemoveControl removes the control, if there is one.
func RemoveControl(dir, name string) error {
	if err := os.Remove(controlPath(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// SaveMeta stores a text.
func (s *Store) SaveMeta(key, value string) error {
	_, err := s.db.Exec(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return s.explain("save", err)
}
