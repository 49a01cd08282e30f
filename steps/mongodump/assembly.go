package mongodump

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// Assembly is a file that is put together. Its paths are relative, and do not hang on where vida is run.
type Assembly struct {
	Path     string  `json:"path"`
	Pieces   []Piece `json:"pieces"`
	Metadata []byte  `json:"metadata,omitempty"` // what goes into the file beside it
	Beside   string  `json:"beside,omitempty"`
}

// Piece is something that a file is put together of: a part, or bytes that stand between parts.
type Piece struct {
	Part  string `json:"part,omitempty"`
	Size  int64  `json:"size"`
	Bytes []byte `json:"bytes,omitempty"`
}

// Assembled is how far a file has been put together, safe on disk.
type Assembled struct {
	Pieces int   `json:"pieces"`
	Size   int64 `json:"size"`
}

// assembleAtATime is after how many bytes of a part it is looked whether to stop.
const assembleAtATime = 64 << 20

// Run puts the file together, from where it stands: below a directory, of parts in another one, where it also lies until
// it is whole. save makes durable how far it is; a part is removed when it is in the file and that was saved.
func (a Assembly) Run(ctx context.Context, below, workshop string, at Assembled, save func(Assembled) error) error {
	path, whole := filepath.Join(below, a.Path), temporary(workshop, a.Path)
	if at.Pieces == len(a.Pieces) {
		switch about, err := os.Stat(path); {
		case err == nil && about.Size() == at.Size:
			return a.describe(below, workshop) // it was given its name, and nobody heard of it
		case err != nil && ignoreMissing(err) != nil:
			return err
		}
	}
	if err := Vacant(path); err != nil {
		return err
	}
	file, err := os.OpenFile(whole, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("the parts of this dump are gone: %w; start the step over with --restart", err)
	}
	if err := errors.Join(a.assemble(ctx, file, workshop, at, save), file.Close()); err != nil {
		return err
	}
	if err := Vacant(path); err != nil { // it took a while
		return err
	}
	if err := publish(whole, path); err != nil {
		return err
	}
	return a.describe(below, workshop)
}

// temporary is where a file lies until it is whole. No part is called so, and its own name may be as long as one can be.
func temporary(workshop, path string) string {
	name := fnv.New64a()
	_, _ = name.Write([]byte(path))
	return filepath.Join(workshop, fmt.Sprintf("$whole-%016x", name.Sum64()))
}

// describe writes the file beside it.
func (a Assembly) describe(below, workshop string) error {
	if a.Beside == "" {
		return nil
	}
	return writeFile(temporary(workshop, a.Beside), filepath.Join(below, a.Beside), a.Metadata)
}

func (a Assembly) assemble(ctx context.Context, file *os.File, workshop string, at Assembled, save func(Assembled) error) error {
	about, err := file.Stat()
	if err != nil {
		return err
	}
	if about.Size() < at.Size {
		return fmt.Errorf("%s has %d bytes, and %d were safe: somebody else has changed it; start the step over with --restart", file.Name(), about.Size(), at.Size)
	}
	if err := file.Truncate(at.Size); err != nil {
		return err
	}
	if _, err := file.Seek(at.Size, io.SeekStart); err != nil {
		return err
	}
	if at.Size == 0 {
		if err := syncDirectory(workshop); err != nil {
			return err
		}
	}
	for _, piece := range a.Pieces[:at.Pieces] { // saved, and perhaps not removed
		if err := piece.remove(workshop); err != nil {
			return err
		}
	}
	for _, piece := range a.Pieces[at.Pieces:] {
		if err := piece.appendTo(ctx, file, workshop); err != nil {
			return err
		}
		at.Pieces++
		at.Size += piece.Size
		if piece.Part == "" {
			continue // too small to be saved alone
		}
		if err := file.Sync(); err != nil {
			return err
		}
		if err := save(at); err != nil {
			return err
		}
		if err := piece.remove(workshop); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return save(at)
}

func (p Piece) appendTo(ctx context.Context, file *os.File, workshop string) error {
	if p.Part == "" {
		_, err := file.Write(p.Bytes)
		return err
	}
	part, err := os.Open(filepath.Join(workshop, p.Part))
	if err != nil {
		return fmt.Errorf("a part of the dump: %w; start the step over with --restart", err)
	}
	defer func() { _ = part.Close() }()
	about, err := part.Stat()
	if err != nil {
		return err
	}
	if about.Size() != p.Size {
		return fmt.Errorf("%s has %d bytes, and %d were written: somebody else has changed it; start the step over with --restart", part.Name(), about.Size(), p.Size)
	}
	for left := p.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(file, part, min(left, assembleAtATime)) // inside of the kernel, where the file system can
		left -= n
		if err != nil {
			return fmt.Errorf("append %s: %w", part.Name(), cutOff(err))
		}
	}
	return nil
}

func (p Piece) remove(workshop string) error {
	if p.Part == "" {
		return nil
	}
	return ignoreMissing(os.Remove(filepath.Join(workshop, p.Part)))
}
