package mongodump

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
)

const (
	// longestDocument is what a server stores at most, and what mongo-tools allows for above it.
	longestDocument  = 16<<20 + 16<<10
	shortestDocument = 5
	readBuffer       = 1 << 20
	// mostMetadata is far above what any collection has.
	mostMetadata = 64 << 20
)

// stream is a file of documents as it is unpacked.
type stream struct {
	file    *os.File
	members *members // nil: it is not compressed
	in      *bufio.Reader
	offset  int64 // of what was read of it, in unpacked bytes
}

// packing says whether a file is compressed.
type packing int

const (
	plain packing = iota
	packed
	unknown // of an archive, which never begins as a gzip file does; other files may
)

func packedIf(gzip bool) packing {
	if gzip {
		return packed
	}
	return plain
}

func openStream(path string, how packing) (*stream, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &stream{file: file, in: bufio.NewReaderSize(file, readBuffer)}
	if start, _ := s.in.Peek(2); how == packed || how == unknown && len(start) == 2 && start[0] == 0x1f && start[1] == 0x8b {
		err = s.unpack(Member{})
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// unpack reads on from a member of the compressed file.
func (s *stream) unpack(from Member) (err error) {
	if s.members, err = openMembers(s.file, from); err != nil {
		return err
	}
	s.in.Reset(s.members)
	s.offset = from.Unpacked
	return nil
}

// Close implements [io.Closer].
func (s *stream) Close() error { return s.file.Close() }

// skip goes on at a position.
func (s *stream) skip(ctx context.Context, to Position) error {
	short := func(has int64) error {
		return fmt.Errorf("it has only %d bytes, and %d were read of it before", has, to.Offset)
	}
	if s.members == nil {
		about, err := s.file.Stat()
		if err != nil {
			return err
		}
		if about.Size() < to.Offset {
			return short(about.Size())
		}
		if _, err := s.file.Seek(to.Offset, io.SeekStart); err != nil {
			return err
		}
		s.in.Reset(s.file)
		s.offset = to.Offset
		return nil
	}
	if to.Member != nil {
		if err := s.unpack(*to.Member); err != nil {
			return err
		}
	}
	for s.offset < to.Offset {
		n, err := s.in.Discard(int(min(to.Offset-s.offset, 16<<20)))
		s.offset += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return short(s.offset)
		case err != nil:
			return s.broken(err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
	return nil
}

// next appends the next document to out, or tells that a terminator comes instead. At the end of the file the error is
// io.EOF.
func (s *stream) next(out []byte) (with []byte, end bool, err error) {
	length, err := s.peekLength()
	if err != nil {
		return out, false, err
	}
	if length == terminator {
		_, err = s.in.Discard(4)
		s.offset += 4
		return out, true, err
	}
	begin := len(out)
	with = slices.Grow(out, int(length))[:begin+int(length)]
	if _, err := io.ReadFull(s.in, with[begin:]); err != nil {
		return out, false, s.broken(err)
	}
	if err := bson.Raw(with[begin:]).Validate(); err != nil {
		return out, false, s.damaged("what should be a document is none", err)
	}
	s.offset += int64(length)
	return with, false, nil
}

// peekLength looks how long the next document is. A terminator's length is -1.
func (s *stream) peekLength() (int32, error) {
	start, err := s.in.Peek(4)
	switch {
	case len(start) == 0 && errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, s.broken(err)
	}
	length := int32(binary.LittleEndian.Uint32(start))
	if length != terminator && (length < shortestDocument || length > longestDocument) {
		return 0, s.damaged(fmt.Sprintf("no document has %d bytes", length), nil)
	}
	return length, nil
}

// broken is the error for a document that cannot be read to its end.
func (s *stream) broken(err error) error {
	if err = cutOff(err); errors.Is(err, io.ErrUnexpectedEOF) {
		return s.damaged("the file ends inside of a document", nil)
	}
	return s.damaged("it cannot be read", err)
}

// damaged is the error for a file that is not what it should be.
func (s *stream) damaged(what string, err error) error {
	unpacked := ""
	if s.members != nil {
		unpacked = " of what was unpacked"
	}
	if err != nil {
		what += ": " + err.Error()
	}
	return fmt.Errorf("damaged at byte %d%s: %s", s.offset, unpacked, what)
}

// cutOff is an error that says of an end that it comes too early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readSmall reads a whole file of metadata.
func readSmall(path string, compressed bool) ([]byte, error) {
	s, err := openStream(path, packedIf(compressed))
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	text, err := io.ReadAll(io.LimitReader(s.in, mostMetadata+1))
	if err == nil && len(text) > mostMetadata {
		err = errors.New("this is too large for metadata")
	}
	return text, err
}
