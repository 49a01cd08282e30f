package mongodump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"go.mongodb.org/mongo-driver/bson"
)

const writeBuffer = 256 << 10

// Written is how much of a part is safe on disk.
type Written struct {
	Size  int64  `json:"size"`  // bytes of the file
	Bytes int64  `json:"bytes"` // of documents
	CRC   uint64 `json:"crc"`   // of them
}

// Part is a file that grows by documents and becomes a piece of a dump: to put parts after each other makes a file of
// documents or the segments of an archive, compressed or not. Used by one goroutine.
type Part struct {
	file   *os.File
	buffer *bufio.Writer
	gzip   *gzip.Writer // nil: not compressed
	fresh  bool         // nothing was written to gzip since it was begun
	at     Written
	counts countingWriter
	head   []byte // of an archive: comes before the first document
	tail   []byte // and after the last one
}

// countingWriter knows the size of a file that it appends to.
type countingWriter struct {
	file *os.File
	size int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.size += int64(n)
	return n, err
}

// PartForm is what a part is to be a piece of.
type PartForm struct {
	Gzip    bool
	Segment *Place // of an archive: whose documents they are; nil: of a file of documents
}

// OpenPart opens a part as it was when so much of it was safe, and leaves off what was written after that.
func OpenPart(path string, at Written, form PartForm) (*Part, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the parts of this dump are gone: %w; start the step over with --restart", err)
	}
	if err != nil {
		return nil, err
	}
	p := &Part{file: file, at: at, counts: countingWriter{file, at.Size}}
	p.buffer = bufio.NewWriterSize(&p.counts, writeBuffer)
	if form.Gzip {
		p.gzip, p.fresh = gzip.NewWriter(p.buffer), true
	}
	err = p.cut()
	if err == nil && form.Segment != nil {
		p.head, err = segmentStart(*form.Segment)
		p.tail = terminatorBytes
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return p, nil
}

// cut leaves off what is after the safe part, and makes sure that a new file outlives a power loss.
func (p *Part) cut() error {
	about, err := p.file.Stat()
	if err != nil {
		return err
	}
	if about.Size() < p.at.Size {
		return fmt.Errorf("it has %d bytes, and %d were safe: somebody else has changed it; start the step over with --restart", about.Size(), p.at.Size)
	}
	if err := p.file.Truncate(p.at.Size); err != nil {
		return err
	}
	if _, err := p.file.Seek(p.at.Size, io.SeekStart); err != nil {
		return err
	}
	if p.at.Size == 0 {
		return syncDirectory(filepath.Dir(p.file.Name()))
	}
	return nil
}

// Append writes documents.
func (p *Part) Append(documents []bson.Raw) error {
	if p.at.Bytes == 0 && len(documents) > 0 && p.head != nil {
		if err := p.write(p.head); err != nil {
			return err
		}
	}
	for _, document := range documents {
		if err := p.write(document); err != nil {
			return err
		}
		p.at.Bytes += int64(len(document))
		if p.head != nil {
			p.at.CRC = sum(p.at.CRC, document)
		}
	}
	return nil
}

func (p *Part) write(content []byte) (err error) {
	if p.gzip == nil {
		_, err = p.buffer.Write(content)
		return err
	}
	p.fresh = false
	_, err = p.gzip.Write(content)
	return err
}

// Sync makes safe what was written. A compressed file is one of several members after each other, which are unpacked
// as one.
func (p *Part) Sync() (Written, error) {
	if p.gzip != nil && !p.fresh {
		if err := p.gzip.Close(); err != nil {
			return p.at, err
		}
		p.gzip.Reset(p.buffer)
		p.fresh = true
	}
	if err := p.buffer.Flush(); err != nil {
		return p.at, err
	}
	p.at.Size = p.counts.size
	return p.at, p.file.Sync()
}

// End completes the part and makes it safe.
func (p *Part) End() (Written, error) {
	if p.at.Bytes > 0 && p.tail != nil {
		if err := p.write(p.tail); err != nil {
			return p.at, err
		}
	}
	return p.Sync()
}

// Close closes the file; what was not made safe is lost.
func (p *Part) Close() error { return p.file.Close() }

// Compressed returns text as a gzip file.
func Compressed(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(text)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}
