package wire

import (
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// Reply is one answer. Like a [Command] it is not changed, and its memory is used again after the exchange.
type Reply struct {
	document bson.Raw
	message  []byte // as it came from upstream; nil when it has to be encoded
}

// NewReply answers with a document.
func NewReply(document bson.Raw) *Reply { return &Reply{document: document} }

// MarshalReply answers with a document that bson.Marshal makes.
func MarshalReply(document any) (*Reply, error) {
	raw, err := bson.Marshal(document)
	if err != nil {
		return nil, err
	}
	return NewReply(raw), nil
}

// ErrorReply refuses a command as a whole.
func ErrorReply(code int32, codeName, message string, labels ...string) *Reply {
	document := bson.D{
		{Key: "ok", Value: float64(0)},
		{Key: "errmsg", Value: message},
		{Key: "code", Value: code},
		{Key: "codeName", Value: codeName},
	}
	if len(labels) > 0 {
		document = append(document, bson.E{Key: "errorLabels", Value: labels})
	}
	raw, err := bson.Marshal(document)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return NewReply(raw)
}

// Document is what the server answered.
func (r *Reply) Document() bson.Raw { return r.document }

// OK tells whether the command as a whole was done; single writes in it may have failed.
func (r *Reply) OK() bool { return isTrue(r.document.Lookup("ok"), false) }

// parseReply finds the one document of a reply. It shares the message's memory.
func parseReply(message []byte) (*Reply, error) {
	var rest []byte
	switch code := opcode(message); code {
	case opMsg:
		if len(message) < headerBytes+5 || wiremessage.SectionType(message[headerBytes+4]) != wiremessage.SingleDocument {
			return nil, fmt.Errorf("%w: OP_MSG reply without a body", errMalformed)
		}
		rest = message[headerBytes+5:]
	case opReply:
		if len(message) < headerBytes+20 {
			return nil, fmt.Errorf("%w: OP_REPLY is cut off", errMalformed)
		}
		rest = message[headerBytes+20:]
	default:
		return nil, fmt.Errorf("%w: a reply with opcode %d", errMalformed, int32(code))
	}
	document, _, err := takeDocument(rest)
	if err != nil {
		return nil, err
	}
	if err := checkFields(document); err != nil {
		return nil, err
	}
	return &Reply{document: document, message: message}, nil
}

// encode makes the message that answers command, in the form that the client asked in.
func (r *Reply) encode(command *Command, buffers *buffers) []byte {
	wanted := opMsg
	if command.query {
		wanted = opReply
	}
	if r.message != nil && opcode(r.message) == wanted {
		setResponseTo(r.message, command.id)
		return r.message
	}
	dst := buffers.take(headerBytes + 20 + len(r.document))[:0]
	_, dst = wiremessage.AppendHeaderStart(dst, wiremessage.NextRequestID(), command.id, wanted)
	if command.query {
		dst = wiremessage.AppendReplyFlags(dst, wiremessage.AwaitCapable)
		dst = wiremessage.AppendReplyCursorID(dst, 0)
		dst = wiremessage.AppendReplyStartingFrom(dst, 0)
		dst = wiremessage.AppendReplyNumberReturned(dst, 1)
	} else {
		dst = wiremessage.AppendMsgFlags(dst, 0)
		dst = wiremessage.AppendMsgSectionType(dst, wiremessage.SingleDocument)
	}
	return setLength(append(dst, r.document...))
}
