package endpoint

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// Servers this much further away than the nearest one are not used.
const defaultLocalThreshold = 15 * time.Millisecond

// lane is one connection at a time and one session: a cursor lives on it, an inserter writes through it, and
// the server's account of the last command is about its own. Not safe for concurrent use.
type lane struct {
	endpoint *Reader
	selector description.ServerSelector
	stopping <-chan struct{} // closed: no waiting for a server that is not there
	session  [16]byte

	server     driver.Server
	connection driver.Connection
	compressed []byte
	unanswered int // messages sent since the last reply that ask for none
}

// newLane picks servers by the read preference, or the primary for writing.
func newLane(r *Reader, writing bool, stopping <-chan struct{}) *lane {
	l := &lane{endpoint: r, stopping: stopping}
	latency := description.LatencySelector(defaultLocalThreshold)
	if writing {
		l.selector = description.CompositeSelector([]description.ServerSelector{description.WriteSelector(), latency})
	} else {
		l.selector = description.CompositeSelector([]description.ServerSelector{description.ReadPrefSelector(r.preference), latency})
	}
	l.renewSession()
	return l
}

func (l *lane) renewSession() {
	_, _ = rand.Read(l.session[:]) // never fails
	l.session[6] = l.session[6]&0x0f | 0x40
	l.session[8] = l.session[8]&0x3f | 0x80
}

// connect makes sure that the lane has a live connection.
func (l *lane) connect(ctx context.Context) error {
	if l.connection != nil {
		return nil
	}
	waiting, release := untilStopping(ctx, l.stopping)
	defer release()
	server, err := l.endpoint.servers.SelectServer(waiting, l.selector)
	if err != nil {
		return stopped(ctx, waiting, err)
	}
	connection, err := server.Connection(waiting)
	if err != nil {
		return stopped(ctx, waiting, err)
	}
	l.server, l.connection = server, connection
	return nil
}

// stopped makes err ErrStopping where it is the stop that ended a wait, and not ctx.
func stopped(ctx, waiting context.Context, err error) error {
	if waiting.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", ErrStopping, err)
	}
	return err
}

// close gives the connection back to the pool.
func (l *lane) close() {
	l.unanswered = 0
	if l.connection != nil {
		_ = l.connection.Close() // a connection that broke is dropped by the pool
		l.connection = nil
	}
}

// fail tells the topology of an error and drops the connection: what is on its way there is unknown.
func (l *lane) fail(err error) {
	if l.connection == nil {
		return
	}
	if processor, ok := l.server.(driver.ErrorProcessor); ok {
		processor.ProcessError(err, l.connection)
	}
	if expirable, ok := l.connection.(driver.Expirable); ok {
		_ = expirable.Expire()
	}
	l.close()
}

// appendTail appends what every command ends with: the session where the server has sessions, the read
// preference where it is needed, and the database.
func (l *lane) appendTail(command []byte, reading bool) []byte {
	d := l.connection.Description()
	if d.SessionTimeoutMinutesPtr != nil {
		index, c := bsoncore.AppendDocumentElementStart(command, "lsid")
		c = bsoncore.AppendBinaryElement(c, "id", 4, l.session[:])
		command, _ = bsoncore.AppendDocumentEnd(c, index)
	}
	if mode := l.preferenceMode(d); reading && mode != "" {
		index, c := bsoncore.AppendDocumentElementStart(command, "$readPreference")
		c = bsoncore.AppendStringElement(c, "mode", mode)
		command, _ = bsoncore.AppendDocumentEnd(c, index)
	}
	return bsoncore.AppendStringElement(command, "$db", l.endpoint.config.Database)
}

// preferenceMode is the read preference to send; empty for none. Tag sets select the server in the driver and
// need not be sent but to a mongos, which vida does not do.
func (l *lane) preferenceMode(d description.Server) string {
	mode := l.endpoint.preference.Mode()
	switch {
	case d.Kind == description.Standalone:
		return ""
	case mode != readpref.PrimaryMode:
		return mode.String()
	case d.Kind != description.Mongos && l.endpoint.servers.Kind() == description.Single:
		return "primaryPreferred" // a direct connection may be to a secondary
	}
	return ""
}

// appendMessageStart begins an OP_MSG with a command document; appendCommandEnd ends the document.
func appendMessageStart(message []byte, flags wiremessage.MsgFlag) (index int32, command int32, out []byte) {
	index, message = wiremessage.AppendHeaderStart(message, wiremessage.NextRequestID(), 0, wiremessage.OpMsg)
	message = wiremessage.AppendMsgFlags(message, flags)
	message = wiremessage.AppendMsgSectionType(message, wiremessage.SingleDocument)
	command, message = bsoncore.AppendDocumentStart(message)
	return index, command, message
}

// A message has at most this many bytes.
const maxMessageBytes = 48_000_000

// errBadReply is a reply that does not parse: the connection is of no more use.
var errBadReply = errors.New("the server's reply is not a valid message")

// roundTrip sends a finished message, whole or in pieces, and returns the reply's document, which stays valid
// until the garbage collector takes it. A refused command is a [CommandError]; after any other error the
// connection is gone. A reply that does not come in time is such an error: a server that hangs would otherwise
// hang the copy for ever.
func (l *lane) roundTrip(ctx context.Context, message ...[]byte) (bsoncore.Document, error) {
	ctx, cancel := l.endpoint.replyBy(ctx)
	defer cancel()
	if err := l.send(ctx, message...); err != nil {
		return nil, err
	}
	reply, err := l.read(ctx, message[0])
	if err != nil {
		l.fail(err)
		return nil, err
	}
	document, err := replyDocument(reply)
	if err != nil {
		err = fmt.Errorf("%s: %w", l.connection.Address(), err)
		l.fail(err)
		return nil, err
	}
	if ok, isNumber := document.Lookup("ok").AsInt64OK(); !isNumber || ok != 1 {
		refusal := commandError(document)
		if processor, can := l.server.(driver.ErrorProcessor); can && passingCodes[refusal.Code] && !Throttled(refusal.Code, refusal.Message) {
			// A server that is no longer primary, or shutting down: look for another one.
			processor.ProcessError(driver.Error{Code: refusal.Code, Name: refusal.Name, Message: refusal.Message}, l.connection)
			l.close()
		}
		return nil, refusal
	}
	return document, nil
}

// read reads the reply to a message. Some servers answer what asked for no answer: these replies come before it.
func (l *lane) read(ctx context.Context, message []byte) ([]byte, error) {
	for {
		reply, err := l.connection.ReadWireMessage(ctx)
		if err != nil || l.unanswered == 0 {
			return reply, err
		}
		if len(reply) >= 12 && bytes.Equal(reply[8:12], message[4:8]) {
			l.unanswered = 0
			return reply, nil
		}
		l.unanswered--
	}
}

// compresses tells whether messages are compressed, which takes them whole.
func (l *lane) compresses() bool { return len(l.connection.Description().Compression) > 0 }

func (l *lane) send(ctx context.Context, message ...[]byte) error {
	if compressor, ok := l.connection.(driver.Compressor); ok && l.compresses() && len(message) == 1 {
		compressed, err := compressor.CompressWireMessage(message[0], l.compressed[:0])
		if err != nil {
			return err
		}
		l.compressed, message[0] = compressed, compressed
	}
	for _, piece := range message { // the driver writes what it is given as it is
		if err := l.connection.WriteWireMessage(ctx, piece); err != nil {
			l.fail(err)
			return err
		}
	}
	return nil
}

// killCursor frees a cursor of the server's, and is not worth much waiting: it drops forgotten ones by itself.
func (l *lane) killCursor(ctx context.Context, collection string, id int64) {
	ctx, cancel := context.WithTimeout(ctx, closePatience)
	defer cancel()
	index, start, message := appendMessageStart(nil, 0)
	message = bsoncore.AppendStringElement(message, "killCursors", collection)
	list, message := bsoncore.AppendArrayElementStart(message, "cursors")
	message, _ = bsoncore.AppendArrayEnd(bsoncore.AppendInt64Element(message, "0", id), list)
	message = l.appendTail(message, false)
	message, _ = bsoncore.AppendDocumentEnd(message, start)
	_, _ = l.roundTrip(ctx, bsoncore.UpdateLength(message, index, int32(len(message))-index))
}

// replyDocument finds the one document of an OP_MSG reply, compressed or not.
func replyDocument(message []byte) (bsoncore.Document, error) {
	_, _, _, opcode, body, ok := wiremessage.ReadHeader(message)
	if !ok {
		return nil, errBadReply
	}
	if opcode == wiremessage.OpCompressed {
		var err error
		if opcode, body, err = decompress(body); err != nil {
			return nil, err
		}
	}
	if opcode != wiremessage.OpMsg || len(body) < 5+5 {
		return nil, errBadReply
	}
	if body[4] != byte(wiremessage.SingleDocument) {
		return nil, errBadReply
	}
	document := body[5:]
	length := int(binary.LittleEndian.Uint32(document))
	if length < 5 || length > len(document) {
		return nil, errBadReply
	}
	return bsoncore.Document(document[:length]), nil
}

func decompress(body []byte) (wiremessage.OpCode, []byte, error) {
	original, body, ok := wiremessage.ReadCompressedOriginalOpCode(body)
	if !ok {
		return 0, nil, errBadReply
	}
	size, body, ok := wiremessage.ReadCompressedUncompressedSize(body)
	if !ok {
		return 0, nil, errBadReply
	}
	compressor, body, ok := wiremessage.ReadCompressedCompressorID(body)
	if !ok {
		return 0, nil, errBadReply
	}
	if size < 0 || size > maxMessageBytes { // nothing is laid out for a length that is nobody's
		return 0, nil, errBadReply
	}
	plain, err := driver.DecompressPayload(body, driver.CompressionOpts{Compressor: compressor, UncompressedSize: size})
	return original, plain, err
}

func commandError(document bsoncore.Document) *CommandError {
	e := &CommandError{Reply: bson.Raw(document)}
	if code, ok := document.Lookup("code").AsInt64OK(); ok {
		e.Code = int32(code)
	}
	e.Name, _ = document.Lookup("codeName").StringValueOK()
	e.Message, _ = document.Lookup("errmsg").StringValueOK()
	return e
}
