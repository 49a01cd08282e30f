package mongodump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Piece is something that a file is put together of: a part, or bytes that stand between parts.
type Piece struct {
	Part  string `json:"part,omitempty"` // its path
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

// Assemble puts a file together of pieces, from where it stands. save makes durable how far it is; a part is removed
// when it is in the file and that was saved. The file appears under its path when it is whole, and not before.
func Assemble(ctx context.Context, path string, pieces []Piece, at Assembled, save func(Assembled) error) error {
	temporary := path + ".partial"
	whole := at.Pieces > 0 && at.Pieces == len(pieces)
	if there, err := IsThere(temporary); err != nil || !there && whole {
		return err // it was renamed, and nobody heard of it
	}
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	err = errors.Join(assemble(ctx, file, pieces, at, save), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func assemble(ctx context.Context, file *os.File, pieces []Piece, at Assembled, save func(Assembled) error) error {
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
		if err := syncDirectory(filepath.Dir(file.Name())); err != nil {
			return err
		}
	}
	for _, piece := range pieces[:at.Pieces] { // saved, and perhaps not removed
		if err := piece.remove(); err != nil {
			return err
		}
	}
	for _, piece := range pieces[at.Pieces:] {
		if err := piece.appendTo(ctx, file); err != nil {
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
		if err := piece.remove(); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return save(at)
}

func (p Piece) appendTo(ctx context.Context, file *os.File) error {
	if p.Part == "" {
		_, err := file.Write(p.Bytes)
		return err
	}
	part, err := os.Open(p.Part)
	if err != nil {
		return fmt.Errorf("a part of the dump: %w", err)
	}
	defer part.Close()
	for left := p.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(file, part, min(left, assembleAtATime)) // inside of the kernel, where the file system can
		left -= n
		if err != nil {
			return fmt.Errorf("a part of the dump, %s, of which %d bytes were safe: %w", p.Part, p.Size, cutOff(err))
		}
	}
	return nil
}

func (p Piece) remove() error {
	if p.Part == "" {
		return nil
	}
	return ignoreMissing(os.Remove(p.Part))
}
