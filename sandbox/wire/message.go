package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

const headerBytes = 16

// The opcodes in use. Of the old ones, OP_QUERY and OP_REPLY carry the first handshake of some drivers still.
const (
	opReply wiremessage.OpCode = 1
	opQuery wiremessage.OpCode = 2004
	opMsg   wiremessage.OpCode = 2013
)

// Servers take messages of up to 48,000,000 bytes; a little more is read, so that it is the server who refuses.
const maxMessageBytes = 64 << 20

// errMalformed is a message that does not parse. Nothing sensible can follow it on its connection.
var errMalformed = errors.New("malformed message")

// readMessage reads one message whole, into memory from buffers.
func readMessage(r io.Reader, buffers *buffers) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	length := int(int32(binary.LittleEndian.Uint32(prefix[:])))
	if length < headerBytes || length > maxMessageBytes {
		return nil, fmt.Errorf("%w: its length is %d bytes", errMalformed, length)
	}
	message := buffers.take(length)
	copy(message, prefix[:])
	if _, err := io.ReadFull(r, message[len(prefix):]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return message, nil
}

func requestID(message []byte) int32 { return int32(binary.LittleEndian.Uint32(message[4:])) }

func responseTo(message []byte) int32 { return int32(binary.LittleEndian.Uint32(message[8:])) }

func setResponseTo(message []byte, id int32) { binary.LittleEndian.PutUint32(message[8:], uint32(id)) }

func opcode(message []byte) wiremessage.OpCode {
	return wiremessage.OpCode(binary.LittleEndian.Uint32(message[12:]))
}

// setLength writes a finished message's length into its header.
func setLength(message []byte) []byte {
	binary.LittleEndian.PutUint32(message, uint32(len(message)))
	return message
}

// takeDocument splits the document that src begins with off. Only its length is looked at.
func takeDocument(src []byte) (document, rest []byte, err error) {
	if len(src) < 5 {
		return nil, nil, fmt.Errorf("%w: a document is cut off", errMalformed)
	}
	length := int(int32(binary.LittleEndian.Uint32(src)))
	if length < 5 || length > len(src) {
		return nil, nil, fmt.Errorf("%w: a document says it is %d bytes long and %d follow", errMalformed, length, len(src))
	}
	return src[:length], src[length:], nil
}

// checkFields walks over a document's own fields, without looking into them.
func checkFields(document []byte) error {
	rest := document[4:]
	for len(rest) > 1 {
		_, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			return fmt.Errorf("%w: a document is broken %d bytes before its end", errMalformed, len(rest))
		}
		rest = after
	}
	if len(rest) != 1 || rest[0] != 0 {
		return fmt.Errorf("%w: a document does not end with a zero", errMalformed)
	}
	return nil
}
