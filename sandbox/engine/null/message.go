package null

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

const (
	opQuery = 2004 // deprecated but for the first hello of a connection

	headerBytes     = 16
	maxMessageBytes = 48_000_000
	maxSentBytes    = 16 << 20 // of documents in a reply
	maxWriteBatch   = 100_000
	readBufferBytes = 256 << 10
)

var errMalformed = errors.New("malformed message")

// request is a message as it is read: its body at once, its documents one after the other.
type request struct {
	from *bufio.Reader
	left int // bytes of the message still to be read

	id       int32
	legacy   bool // OP_QUERY, as the first hello of a connection may be
	silent   bool // no reply is wanted
	body     bson.Raw
	name     string // of the command
	database string

	section  int        // bytes of the document sequence still to be read
	inline   []bson.Raw // documents that came in the body
	inlined  bool
	oversize []byte // memory for documents larger than the buffer
	peeked   int    // bytes of the document last returned, still in the buffer
}

// read reads the next message up to its documents.
func (r *request) read() error {
	*r = request{from: r.from, body: r.body[:0], oversize: r.oversize}
	var header [headerBytes]byte
	if _, err := io.ReadFull(r.from, header[:]); err != nil {
		return err
	}
	length := int(int32(binary.LittleEndian.Uint32(header[:])))
	if length < headerBytes || length > maxMessageBytes {
		return fmt.Errorf("%w: %d bytes long", errMalformed, length)
	}
	r.left = length - headerBytes
	r.id = int32(binary.LittleEndian.Uint32(header[4:]))
	switch opcode := wiremessage.OpCode(binary.LittleEndian.Uint32(header[12:])); opcode {
	case wiremessage.OpMsg:
		return r.readMsg()
	case opQuery:
		r.legacy = true
		return r.readQuery()
	default:
		return fmt.Errorf("%w: %v is not understood", errMalformed, opcode)
	}
}

func (r *request) readMsg() error {
	var start [5]byte // flags, and the kind of the first section
	if err := r.take(start[:]); err != nil {
		return err
	}
	flags := wiremessage.MsgFlag(binary.LittleEndian.Uint32(start[:]))
	r.silent = flags&wiremessage.MoreToCome != 0
	if flags&wiremessage.ChecksumPresent != 0 || start[4] != byte(wiremessage.SingleDocument) {
		return fmt.Errorf("%w: a checksum, or documents before the body", errMalformed)
	}
	return r.readBody()
}

func (r *request) readQuery() error {
	if err := r.skip(4); err != nil { // flags
		return err
	}
	for {
		var letter [1]byte // of the collection's name
		if err := r.take(letter[:]); err != nil {
			return err
		}
		if letter[0] == 0 {
			break
		}
	}
	if err := r.skip(8); err != nil { // to skip, to return
		return err
	}
	return r.readBody()
}

func (r *request) readBody() error {
	var prefix [4]byte
	if err := r.take(prefix[:]); err != nil {
		return err
	}
	length := int(int32(binary.LittleEndian.Uint32(prefix[:])))
	if length < 5 || length-4 > r.left {
		return fmt.Errorf("%w: a body of %d bytes", errMalformed, length)
	}
	if cap(r.body) < length {
		r.body = make(bson.Raw, length)
	}
	r.body = r.body[:length]
	copy(r.body, prefix[:])
	if err := r.take(r.body[4:]); err != nil {
		return err
	}
	command, err := r.body.IndexErr(0)
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	r.name = command.Key()
	r.database, _ = r.body.Lookup("$db").StringValueOK()
	return nil
}

// next returns the next document of the message, valid until the next call, or io.EOF after the last.
// Those in the body under a field of the given name count as well.
func (r *request) next(field string) (bson.Raw, error) {
	if err := r.release(); err != nil {
		return nil, err
	}
	if !r.inlined {
		r.inlined = true
		if list, ok := r.body.Lookup(field).ArrayOK(); ok {
			values, err := list.Values()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errMalformed, err)
			}
			for _, v := range values {
				r.inline = append(r.inline, v.Value)
			}
		}
	}
	if len(r.inline) > 0 {
		first := r.inline[0]
		r.inline = r.inline[1:]
		return first, nil
	}
	for r.section == 0 {
		if r.left == 0 {
			return nil, io.EOF
		}
		if err := r.openSection(field); err != nil {
			return nil, err
		}
	}
	return r.nextInSection()
}

// openSection reads the start of a document sequence.
func (r *request) openSection(field string) error {
	var start [5]byte // kind, size
	if err := r.take(start[:]); err != nil {
		return err
	}
	size := int(int32(binary.LittleEndian.Uint32(start[1:])))
	if start[0] != byte(wiremessage.DocumentSequence) || size < 5 || size-4 > r.left {
		return fmt.Errorf("%w: a section of kind %d and %d bytes", errMalformed, start[0], size)
	}
	var name strings.Builder
	for {
		var letter [1]byte
		if err := r.take(letter[:]); err != nil {
			return err
		}
		if letter[0] == 0 {
			break
		}
		name.WriteByte(letter[0])
	}
	if name.String() != field {
		return fmt.Errorf("%w: documents named %q where %q belong", errMalformed, name.String(), field)
	}
	r.section = size - 4 - name.Len() - 1
	if r.section < 0 {
		return fmt.Errorf("%w: a section too small for its name", errMalformed)
	}
	return nil
}

func (r *request) nextInSection() (bson.Raw, error) {
	prefix, err := r.from.Peek(4)
	if err != nil {
		return nil, err
	}
	length := int(int32(binary.LittleEndian.Uint32(prefix)))
	if length < 5 || length > r.section {
		return nil, fmt.Errorf("%w: a document of %d bytes", errMalformed, length)
	}
	r.section -= length
	if length > r.from.Size() {
		if cap(r.oversize) < length {
			r.oversize = make([]byte, length)
		}
		r.oversize = r.oversize[:length]
		return r.oversize, r.take(r.oversize)
	}
	document, err := r.from.Peek(length)
	r.peeked = length
	return document, err
}

// finish reads past what of the message nobody wanted.
func (r *request) finish() error {
	if err := r.release(); err != nil {
		return err
	}
	return r.skip(r.left)
}

func (r *request) release() error {
	n := r.peeked
	r.peeked = 0
	return r.skip(n)
}

func (r *request) take(into []byte) error {
	if len(into) > r.left {
		return fmt.Errorf("%w: cut off", errMalformed)
	}
	n, err := io.ReadFull(r.from, into)
	r.left -= n
	return err
}

func (r *request) skip(n int) error {
	if n > r.left {
		return fmt.Errorf("%w: cut off", errMalformed)
	}
	n, err := r.from.Discard(n)
	r.left -= n
	return err
}

// collectionName is what the command's first field names.
func (r *request) collectionName() string {
	name, _ := r.body.Lookup(r.name).StringValueOK()
	return name
}

func (r *request) namespace() string { return r.database + "." + r.collectionName() }
