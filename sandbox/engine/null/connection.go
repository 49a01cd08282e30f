package null

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

const writeBufferBytes = 256 << 10

// connection answers one client.
type connection struct {
	server   *Server
	request  request
	to       *bufio.Writer
	replies  int32   // the id of the next reply
	batch    []int64 // documents about to be sent
	expected []byte  // a document's head as it must be
}

func newConnection(s *Server, conn net.Conn) *connection {
	conn = &compressing{Conn: conn, counters: &s.counters}
	return &connection{
		server:  s,
		request: request{from: bufio.NewReaderSize(conn, readBufferBytes)},
		to:      bufio.NewWriterSize(conn, writeBufferBytes),
	}
}

// serve answers commands until the client goes or breaks the protocol.
func (c *connection) serve() error {
	for {
		if err := c.request.read(); err != nil {
			return err
		}
		if err := c.answer(); err != nil {
			return err
		}
		if c.request.from.Buffered() == 0 {
			if err := c.to.Flush(); err != nil {
				return err
			}
		}
	}
}

// answer does one command and writes its reply. Its errors end the connection.
func (c *connection) answer() error {
	reply, sent, err := c.dispatch()
	var refused *refusal
	if errors.As(err, &refused) {
		reply, err = refused.reply(), nil
	}
	if err != nil {
		return err
	}
	if err := c.request.finish(); err != nil {
		return err
	}
	switch {
	case c.request.silent:
		return nil
	case sent != nil:
		return c.sendBatch(*sent)
	}
	return c.sendDocument(reply)
}

// dispatch does one command; the answer is a document or a batch of documents.
func (c *connection) dispatch() (reply bson.D, sent *batch, err error) {
	switch c.request.name {
	case "find":
		sent, err = c.find()
	case "getMore":
		sent, err = c.getMore()
	case "insert":
		reply, err = c.insert()
	case "delete":
		reply, err = c.remove()
	case "count", "aggregate":
		reply, err = c.count()
	default:
		reply, err = c.administer()
	}
	return reply, sent, err
}

func (c *connection) sendDocument(document bson.D) error {
	body, err := bson.Marshal(document)
	if err != nil {
		return err
	}
	c.replies++
	var start []byte
	if c.request.legacy {
		start = wiremessage.AppendHeader(nil, int32(headerBytes+20+len(body)), c.replies, c.request.id, wiremessage.OpReply)
		start = append(start, make([]byte, 16)...) // flags, cursor, starting from
		start = binary.LittleEndian.AppendUint32(start, 1)
	} else {
		start = wiremessage.AppendHeader(nil, int32(headerBytes+5+len(body)), c.replies, c.request.id, wiremessage.OpMsg)
		start = append(start, 0, 0, 0, 0, byte(wiremessage.SingleDocument))
	}
	if _, err := c.to.Write(start); err != nil {
		return err
	}
	_, err = c.to.Write(body)
	return err
}
