package mongodump

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What begins the name of a directory of parts. That of a directory's dump lies in it, that of an archive beside it, so
// that nothing moves between file systems.
const (
	directoryWorkshop = ".vida-dump-"
	archiveWorkshop   = ".vida-archive-"
)

// Workshop is where the parts of a dump are until it is complete.
func Workshop(output string, archive bool, name string) string {
	if archive {
		return filepath.Join(filepath.Dir(output), archiveWorkshop+name)
	}
	return filepath.Join(output, directoryWorkshop+name)
}

// MakeDirectory makes a directory and those above it, and makes safe that they are there.
func MakeDirectory(path string) error {
	err := os.Mkdir(path, 0o777)
	switch {
	case err == nil:
		return syncDirectory(filepath.Dir(path))
	case errors.Is(err, fs.ErrExist):
		about, err := os.Stat(path)
		if err == nil && !about.IsDir() {
			err = fmt.Errorf("%s is there already, and is no directory", path)
		}
		return err
	case errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path:
		if err := MakeDirectory(filepath.Dir(path)); err != nil {
			return err
		}
		return MakeDirectory(path)
	}
	return err
}

// IsThere tells whether something lies at a path.
func IsThere(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Vacant is an error where something lies at a path: a dump writes over nothing.
func Vacant(path string) error {
	there, err := IsThere(path)
	if err == nil && there {
		err = fmt.Errorf("%s is there already: move it away, or dump to another place", path)
	}
	return err
}

// writeFile writes a small file so that it is there whole or not at all.
func writeFile(temporary, path string, content []byte) error {
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return publish(temporary, path)
}

// publish gives a file its name.
func publish(temporary, path string) error {
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDirectory makes safe that files were created, renamed or removed.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
