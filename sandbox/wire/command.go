package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// Command is one request. Its memory is the proxy's and is used again after the exchange: whoever keeps a part
// of it copies that part. A Command is not changed; WithBody and WithOperations make another one.
type Command struct {
	Name           string   // as the client wrote it: "isMaster", "insert"
	Body           bson.Raw // the command document, without what came as sections
	Sections       []Section
	Unacknowledged bool // the client does not wait for a reply (write concern 0)

	id      int32
	query   bool   // came as OP_QUERY, which only handshakes still do
	origin  string // the database of an OP_QUERY
	message []byte // as it came; nil when it has to be encoded
}

// Section is a document sequence: documents of an array field that travel beside the body.
type Section struct {
	Field     string // such as "documents"
	Documents []byte // BSON documents one after the other
}

// NewCommand makes a command of one's own to send upstream; body names the database in $db.
func NewCommand(body bson.Raw) (*Command, error) {
	name, err := commandName(body)
	if err != nil {
		return nil, err
	}
	return &Command{Name: name, Body: body, id: wiremessage.NextRequestID()}, nil
}

// parseCommand parses as little as it can. The command shares the message's memory.
func parseCommand(message []byte) (*Command, error) {
	switch code := opcode(message); code {
	case opMsg:
		return parseMsg(message)
	case opQuery:
		return parseQuery(message)
	default:
		return nil, fmt.Errorf("%w: its opcode %d is neither OP_MSG nor OP_QUERY", errMalformed, int32(code))
	}
}

func parseMsg(message []byte) (*Command, error) {
	if len(message) < headerBytes+4 {
		return nil, fmt.Errorf("%w: OP_MSG without flags", errMalformed)
	}
	flags := wiremessage.MsgFlag(binary.LittleEndian.Uint32(message[headerBytes:]))
	if flags&wiremessage.ChecksumPresent != 0 {
		// What is checked here may be altered below: TCP has a checksum of its own.
		if len(message) < headerBytes+8 {
			return nil, fmt.Errorf("%w: OP_MSG without its checksum", errMalformed)
		}
		message = setLength(message[:len(message)-4])
	}
	unacknowledged := flags&wiremessage.MoreToCome != 0
	// Without exhaustAllowed the server answers each request once.
	binary.LittleEndian.PutUint32(message[headerBytes:], uint32(flags&wiremessage.MoreToCome))

	command := &Command{Unacknowledged: unacknowledged, id: requestID(message), message: message}
	rest := message[headerBytes+4:]
	for len(rest) > 0 {
		kind := wiremessage.SectionType(rest[0])
		rest = rest[1:]
		switch kind {
		case wiremessage.SingleDocument:
			if command.Body != nil {
				return nil, fmt.Errorf("%w: OP_MSG with two bodies", errMalformed)
			}
			document, after, err := takeDocument(rest)
			if err != nil {
				return nil, err
			}
			command.Body, rest = document, after
		case wiremessage.DocumentSequence:
			section, after, err := takeSection(rest)
			if err != nil {
				return nil, err
			}
			command.Sections, rest = append(command.Sections, section), after
		default:
			return nil, fmt.Errorf("%w: OP_MSG with a section of kind %d", errMalformed, kind)
		}
	}
	if command.Body == nil {
		return nil, fmt.Errorf("%w: OP_MSG without a body", errMalformed)
	}
	var err error
	command.Name, err = commandName(command.Body)
	return command, err
}

func takeSection(src []byte) (Section, []byte, error) {
	if len(src) < 4 {
		return Section{}, nil, fmt.Errorf("%w: a section is cut off", errMalformed)
	}
	length := int(int32(binary.LittleEndian.Uint32(src)))
	if length < 5 || length > len(src) {
		return Section{}, nil, fmt.Errorf("%w: a section says it is %d bytes long and %d follow", errMalformed, length, len(src))
	}
	field, documents, found := bytes.Cut(src[4:length], []byte{0})
	if !found {
		return Section{}, nil, fmt.Errorf("%w: a section's name does not end", errMalformed)
	}
	return Section{Field: string(field), Documents: documents}, src[length:], nil
}

func parseQuery(message []byte) (*Command, error) {
	if len(message) < headerBytes+4 {
		return nil, fmt.Errorf("%w: OP_QUERY without flags", errMalformed)
	}
	collection, rest, found := bytes.Cut(message[headerBytes+4:], []byte{0})
	if !found || len(rest) < 8 {
		return nil, fmt.Errorf("%w: OP_QUERY is cut off", errMalformed)
	}
	database, isCommand := strings.CutSuffix(string(collection), ".$cmd")
	if !isCommand {
		return nil, fmt.Errorf("%w: OP_QUERY on %q, which is not a command", errMalformed, collection)
	}
	body, _, err := takeDocument(rest[8:])
	if err != nil {
		return nil, err
	}
	if wrapped, ok := bson.Raw(body).Lookup("$query").DocumentOK(); ok {
		body = wrapped
	}
	name, err := commandName(body)
	if err != nil {
		return nil, err
	}
	return &Command{Name: name, Body: body, id: requestID(message), query: true, origin: database, message: message}, nil
}

func commandName(body bson.Raw) (string, error) {
	if len(body) < 6 {
		return "", fmt.Errorf("%w: an empty command", errMalformed)
	}
	if err := checkFields(body); err != nil {
		return "", err
	}
	name, _, found := bytes.Cut(body[5:], []byte{0})
	if !found || len(name) == 0 {
		return "", fmt.Errorf("%w: a command without a name", errMalformed)
	}
	return string(name), nil
}

// Is tells whether the command has one of these names, upper and lower case being the same.
func (c *Command) Is(names ...string) bool {
	for _, name := range names {
		if strings.EqualFold(c.Name, name) {
			return true
		}
	}
	return false
}

// Database is the database that the command is about.
func (c *Command) Database() string {
	if c.query {
		return c.origin
	}
	database, _ := c.Body.Lookup("$db").StringValueOK()
	return database
}

// Collection is the collection that the command is about; empty where it is about none.
func (c *Command) Collection() string {
	if c.Is("getMore") {
		collection, _ := c.Body.Lookup("collection").StringValueOK()
		return collection
	}
	collection, _ := c.Body.Lookup(c.Name).StringValueOK()
	return collection
}

// Namespace is "database.collection", or the database alone.
func (c *Command) Namespace() string {
	if collection := c.Collection(); collection != "" {
		return c.Database() + "." + collection
	}
	return c.Database()
}

// WithBody is the command with another document.
func (c *Command) WithBody(body bson.Raw) *Command {
	altered := *c
	altered.Body, altered.message = body, nil
	return &altered
}

// Acknowledged is the command with an answer asked for.
func (c *Command) Acknowledged() *Command {
	altered := *c
	altered.Unacknowledged, altered.message = false, nil
	return &altered
}

// appendTo encodes the command as one message.
func (c *Command) appendTo(dst []byte) []byte {
	if c.query {
		_, dst = wiremessage.AppendHeaderStart(dst, c.id, 0, opQuery)
		dst = wiremessage.AppendQueryFlags(dst, 0)
		dst = wiremessage.AppendQueryFullCollectionName(dst, c.origin+".$cmd")
		dst = wiremessage.AppendQueryNumberToSkip(dst, 0)
		dst = wiremessage.AppendQueryNumberToReturn(dst, -1)
		return setLength(append(dst, c.Body...))
	}
	var flags wiremessage.MsgFlag
	if c.Unacknowledged {
		flags = wiremessage.MoreToCome
	}
	_, dst = wiremessage.AppendHeaderStart(dst, c.id, 0, opMsg)
	dst = wiremessage.AppendMsgFlags(dst, flags)
	dst = append(wiremessage.AppendMsgSectionType(dst, wiremessage.SingleDocument), c.Body...)
	for _, section := range c.Sections {
		dst = wiremessage.AppendMsgSectionType(dst, wiremessage.DocumentSequence)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(4+len(section.Field)+1+len(section.Documents)))
		dst = append(append(append(dst, section.Field...), 0), section.Documents...)
	}
	return setLength(dst)
}
