package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

func TestReadMessage(t *testing.T) {
	length := func(n int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
	tests := []struct {
		name  string
		input []byte
		want  error // nil: the message comes back as it is
	}{
		{"whole", append(length(20), make([]byte, 16)...), nil},
		{"nothing", nil, io.EOF},
		{"cut in the length", []byte{1, 2}, io.ErrUnexpectedEOF},
		{"cut after the length", length(20), io.ErrUnexpectedEOF},
		{"cut in the body", append(length(20), 1, 2, 3), io.ErrUnexpectedEOF},
		{"shorter than a header", append(length(15), make([]byte, 16)...), errMalformed},
		{"negative", append(length(-1), make([]byte, 16)...), errMalformed},
		{"too long", length(maxMessageBytes + 1), errMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &buffers{pool: &bufferPool{}}
			got, err := readMessage(bytes.NewReader(test.input), b)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err == nil && !bytes.Equal(got, test.input) {
				t.Fatalf("got %x, want %x", got, test.input)
			}
		})
	}
}

func document(t testing.TB, fields bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func insertCommand(t testing.TB) *Command {
	return &Command{
		Name:     "insert",
		Body:     document(t, bson.D{{Key: "insert", Value: "c"}, {Key: "ordered", Value: false}, {Key: "$db", Value: "d"}}),
		Sections: []Section{{Field: "documents", Documents: append(document(t, bson.D{{Key: "_id", Value: 1}}), document(t, bson.D{{Key: "_id", Value: 2}})...)}},
		id:       77,
	}
}

func TestParseCommandRoundTrip(t *testing.T) {
	message := insertCommand(t).appendTo(nil)
	parsed, err := parseCommand(message)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Name != "insert" || parsed.Namespace() != "d.c" || parsed.Ordered() || parsed.id != 77 {
		t.Fatalf("parsed %+v", parsed)
	}
	operations, err := parsed.Operations()
	if err != nil || len(operations) != 2 || operations[1].Lookup("_id").AsInt64() != 2 {
		t.Fatalf("operations %v, %v", operations, err)
	}
	if again := parsed.WithBody(parsed.Body).appendTo(nil); !bytes.Equal(again, message) {
		t.Fatalf("encoded again it differs:\n%x\n%x", again, message)
	}
}

func TestParseCommandFlags(t *testing.T) {
	message := insertCommand(t).appendTo(nil)
	binary.LittleEndian.PutUint32(message[16:], uint32(wiremessage.ChecksumPresent|wiremessage.MoreToCome|wiremessage.ExhaustAllowed))
	message = setLength(append(message, 1, 2, 3, 4))
	parsed, err := parseCommand(message)
	if err != nil {
		t.Fatal(err)
	}
	if !parsed.Unacknowledged {
		t.Error("moreToCome is lost")
	}
	if flags := wiremessage.MsgFlag(binary.LittleEndian.Uint32(parsed.message[16:])); flags != wiremessage.MoreToCome {
		t.Errorf("flags %b are forwarded", flags)
	}
	if length := binary.LittleEndian.Uint32(parsed.message); int(length) != len(parsed.message) || len(parsed.message) != len(message)-4 {
		t.Errorf("the checksum is forwarded: length %d of %d bytes", length, len(parsed.message))
	}
}

func TestParseCommandRefuses(t *testing.T) {
	good := insertCommand(t).appendTo(nil)
	altered := func(alter func(m []byte) []byte) []byte { return alter(bytes.Clone(good)) }
	tests := []struct {
		name    string
		message []byte
		says    string
	}{
		{"another opcode", altered(func(m []byte) []byte { m[12]++; return m }), "opcode"},
		{"no flags", good[:18], "without flags"},
		{"no body", good[:20], "without a body"},
		{"a section kind of the future", altered(func(m []byte) []byte { m[20] = 9; return m }), "kind 9"},
		{"two bodies", altered(func(m []byte) []byte {
			return append(m, append([]byte{0}, document(t, bson.D{{Key: "x", Value: 1}})...)...)
		}), "two bodies"},
		{"a body longer than the message", altered(func(m []byte) []byte { m[22] = 0xff; return m }), "bytes long"},
		{"a section cut off", good[:len(good)-1], "section"},
		{"an empty command", func() []byte {
			return (&Command{Body: bson.Raw{5, 0, 0, 0, 0}}).appendTo(nil)
		}(), "empty command"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseCommand(test.message)
			if !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}

// FuzzParse holds the parsers, and everything an interceptor asks of what they return, to errors instead of
// panics.
func FuzzParse(f *testing.F) {
	f.Add(insertCommand(f).appendTo(nil))
	f.Add((&Command{Body: document(f, bson.D{{Key: "isMaster", Value: 1}}), query: true, origin: "admin"}).appendTo(nil))
	f.Add(setLength(append(make([]byte, 20), 0)))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) < headerBytes {
			return
		}
		if reply, err := parseReply(bytes.Clone(message)); err == nil {
			reply.OK()
		}
		command, err := parseCommand(bytes.Clone(message))
		if err != nil {
			return
		}
		command.Namespace()
		command.Ordered()
		operations, err := command.Operations()
		if err == nil {
			encoded := command.WithOperations(operations).appendTo(nil)
			again, err := parseCommand(encoded)
			if err != nil {
				t.Fatalf("a parsed command does not parse when encoded again: %v", err)
			}
			if more, err := again.Operations(); err != nil || len(more) != len(operations) {
				t.Fatalf("%d operations became %d (%v)", len(operations), len(more), err)
			}
		}
		Without(command.Body, "x")
	})
}
