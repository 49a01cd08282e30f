package mongodump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Member is where a member of a gzip file begins. A compressed part has one for each time that it was made safe, so that
// reading on begins at one; a file of mongodump has one in all.
type Member struct {
	Packed   int64 `json:"packed"`   // byte of the file
	Unpacked int64 `json:"unpacked"` // byte of what it holds
}

// members unpacks the members of a gzip file one after another.
type members struct {
	file   *os.File
	packed *bufio.Reader // of the file
	gzip   *gzip.Reader
	read   int64    // of the file
	at     int64    // unpacked so far
	begun  []Member // those that may still be gone on from, the current one last
}

// openMembers unpacks from a member on.
func openMembers(file *os.File, from Member) (*members, error) {
	if _, err := file.Seek(from.Packed, io.SeekStart); err != nil {
		return nil, err
	}
	m := &members{file: file, read: from.Packed, at: from.Unpacked, begun: []Member{from}}
	m.packed = bufio.NewReaderSize(counted{m}, readBuffer)
	var err error
	if m.gzip, err = gzip.NewReader(m.packed); err != nil {
		return nil, fmt.Errorf("%s is not a gzip file: %w", file.Name(), err)
	}
	m.gzip.Multistream(false)
	return m, nil
}

// counted counts what is read of the file.
type counted struct{ *members }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.read += int64(n)
	return n, err
}

// Read implements [io.Reader].
func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.gzip.Read(p)
		m.at += int64(n)
		if n > 0 || !errors.Is(err, io.EOF) {
			if n > 0 && errors.Is(err, io.EOF) {
				err = nil // told again by the next read
			}
			return n, err
		}
		next := Member{Packed: m.read - int64(m.packed.Buffered()), Unpacked: m.at}
		if err := m.gzip.Reset(m.packed); err != nil {
			return 0, err // io.EOF where there is no other
		}
		m.gzip.Multistream(false)
		m.begun = append(m.begun, next)
	}
}

// of is the member in which a byte of what was unpacked lies. Those before it are forgotten.
func (m *members) of(unpacked int64) Member {
	for len(m.begun) > 1 && m.begun[1].Unpacked <= unpacked {
		m.begun = m.begun[1:]
	}
	return m.begun[0]
}
