package mongodump

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"regexp"

	"go.mongodb.org/mongo-driver/bson"
)

const (
	archiveMagic   = 0x8199e26d
	archiveVersion = "0.1"
	terminator     = -1
)

var (
	terminatorBytes = []byte{0xff, 0xff, 0xff, 0xff}
	crcTable        = crc64.MakeTable(crc64.ECMA)
)

// archiveHeader comes first in an archive, after the magic number.
type archiveHeader struct {
	Concurrent    int32  `bson:"concurrent_collections"`
	Version       string `bson:"version"`
	ServerVersion string `bson:"server_version"`
	ToolVersion   string `bson:"tool_version"`
}

// ArchivedCollection is a collection in the prelude of an archive.
type ArchivedCollection struct {
	Database   string `bson:"db"`
	Collection string `bson:"collection"`
	Metadata   string `bson:"metadata"` // the text of a metadata file
	Size       int32  `bson:"size"`     // 0, as mongodump has it
	Type       string `bson:"type"`
}

// segmentHeader comes before documents of a collection, and with EOF after the last of them.
type segmentHeader struct {
	Database   string `bson:"db"`
	Collection string `bson:"collection"`
	EOF        bool   `bson:"EOF"`
	CRC        int64  `bson:"CRC"` // of all documents, CRC-64-ECMA, with EOF
}

// numbered is what mongorestore can read of a server's version.
var numbered = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)

// Prelude is how an archive begins.
func Prelude(serverVersion, toolVersion string, collections []ArchivedCollection) ([]byte, error) {
	serverVersion = cmp.Or(numbered.FindString(serverVersion), "0.0.0")
	out := binary.LittleEndian.AppendUint32(nil, archiveMagic)
	out, err := appendDocument(out, archiveHeader{Concurrent: 1, Version: archiveVersion, ServerVersion: serverVersion, ToolVersion: toolVersion})
	for _, c := range collections {
		if err == nil {
			out, err = appendDocument(out, c)
		}
	}
	return append(out, terminatorBytes...), err
}

// segmentStart is what comes before documents of a collection; after them comes a terminator.
func segmentStart(p Place) ([]byte, error) {
	return appendDocument(nil, segmentHeader{Database: p.Database, Collection: p.Collection})
}

// CollectionEnd is what comes after the last documents of a collection, with the CRC of them all.
func CollectionEnd(p Place, crc uint64) ([]byte, error) {
	out, err := appendDocument(nil, segmentHeader{Database: p.Database, Collection: p.Collection, EOF: true, CRC: int64(crc)})
	return append(out, terminatorBytes...), err
}

func appendDocument(out []byte, value any) ([]byte, error) {
	document, err := bson.Marshal(value)
	return append(out, document...), err
}

// sum goes on with a CRC-64-ECMA over more bytes.
func sum(crc uint64, more []byte) uint64 { return crc64.Update(crc, crcTable, more) }

// CombineCRC is the CRC of two runs of bytes after each other, the second of which has a length.
//
// To append n zero bytes to what was summed up is a linear map of the 64 bits, which is squared for twice as many.
func CombineCRC(first, second uint64, length int64) uint64 {
	if length <= 0 {
		return first
	}
	var zeroes matrix // appends one bit
	zeroes[0] = crc64.ECMA
	for n := 1; n < 64; n++ {
		zeroes[n] = 1 << (n - 1)
	}
	for range 3 { // a byte has eight
		zeroes = zeroes.squared()
	}
	for ; length > 0; length >>= 1 {
		if length&1 != 0 {
			first = zeroes.times(first)
		}
		zeroes = zeroes.squared()
	}
	return first ^ second
}

// matrix is a linear map of 64 bits: what becomes of each of them.
type matrix [64]uint64

func (m *matrix) times(bits uint64) (image uint64) {
	for n := 0; bits != 0; n, bits = n+1, bits>>1 {
		if bits&1 != 0 {
			image ^= m[n]
		}
	}
	return image
}

func (m *matrix) squared() (square matrix) {
	for n := range m {
		square[n] = m.times(m[n])
	}
	return square
}

var errNoArchive = errors.New("this is not an archive of mongodump: it does not begin like one (of files that end in .bson, name the directory)")

// prelude reads how an archive begins.
func (s *stream) prelude() ([]ArchivedCollection, error) {
	magic, err := s.in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, s.broken(err)
	}
	if len(magic) < 4 || binary.LittleEndian.Uint32(magic) != archiveMagic {
		return nil, errNoArchive
	}
	if _, err := s.in.Discard(4); err != nil {
		return nil, err
	}
	s.offset += 4
	document, end, err := s.next(nil)
	if err != nil || end {
		return nil, cmp.Or(cutOff(err), errNoArchive)
	}
	var header archiveHeader
	if err := bson.Unmarshal(document, &header); err != nil {
		return nil, fmt.Errorf("the archive's header: %w", err)
	}
	if header.Version != archiveVersion {
		return nil, fmt.Errorf("an archive of version %q, and only version %s is known", header.Version, archiveVersion)
	}
	var list []ArchivedCollection
	for {
		document, end, err := s.next(nil)
		if err != nil {
			return nil, cutOff(err)
		}
		if end {
			return list, nil
		}
		var c ArchivedCollection
		if err := bson.Unmarshal(document, &c); err != nil {
			return nil, fmt.Errorf("the archive's list of collections: %w", err)
		}
		list = append(list, c)
	}
}
