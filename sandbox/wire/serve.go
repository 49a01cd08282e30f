package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	readBufferBytes = 16 << 10 // larger reads go past it
	dialTimeout     = 10 * time.Second
)

// link is one client's connection and the one upstream that belongs to it.
type link struct {
	proxy   *Proxy
	conn    Conn
	client  net.Conn
	from    *bufio.Reader
	buffers buffers

	// Guarded by the proxy.
	cancel   context.CancelFunc
	cut      bool     // its sockets are closed
	upstream net.Conn // nil until the first command that is forwarded

	fromUpstream *bufio.Reader
}

// serve answers commands until the client goes, an interceptor ends the connection, or the proxy cuts it.
func (l *link) serve(ctx context.Context) error {
	handle := chain(l.proxy.interceptors, &l.conn, l.forward)
	for {
		if l.proxy.options.IdleTimeout > 0 {
			if err := l.client.SetReadDeadline(time.Now().Add(l.proxy.options.IdleTimeout)); err != nil {
				return err
			}
		}
		if err := l.exchange(ctx, handle); err != nil {
			return err
		}
	}
}

// exchange answers one command.
func (l *link) exchange(ctx context.Context, handle Next) error {
	message, err := readMessage(l.from, &l.buffers)
	if err != nil {
		return err
	}
	defer l.buffers.release()
	command, err := parseCommand(message)
	if err != nil {
		return err
	}
	reply, err := handle(ctx, command)
	switch {
	case errors.Is(err, ErrNoReply):
		return l.waitForClient()
	case err != nil:
		return fmt.Errorf("%s: %w", command.Name, err)
	case command.Unacknowledged:
		return nil
	case reply == nil:
		return fmt.Errorf("%s: %w", command.Name, errNoAnswer)
	}
	_, err = l.client.Write(reply.encode(command, &l.buffers))
	return err
}

var errNoAnswer = errors.New("the interceptors left an acknowledged command without an answer")

// waitForClient reads, and throws away, until the client gives up.
func (l *link) waitForClient() error {
	if err := l.client.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, l.from); err != nil {
		return err
	}
	return io.EOF
}

// forward is the end of the chain: it sends the command upstream and reads the answer.
func (l *link) forward(ctx context.Context, command *Command) (*Reply, error) {
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	message := command.message
	if message == nil {
		size := len(command.Body) + headerBytes + 64 + len(command.origin)
		for _, section := range command.Sections {
			size += 6 + len(section.Field) + len(section.Documents)
		}
		message = command.appendTo(l.buffers.take(size)[:0])
	}
	if _, err := l.upstream.Write(message); err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if command.Unacknowledged {
		return nil, nil
	}
	answer, err := readMessage(l.fromUpstream, &l.buffers)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if responseTo(answer) != requestID(message) {
		return nil, fmt.Errorf("upstream: %w: it answers request %d, not %d", errMalformed, responseTo(answer), requestID(message))
	}
	reply, err := parseReply(answer)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	return reply, nil
}

func (l *link) connect(ctx context.Context) error {
	if l.upstream != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	upstream, err := dialer.DialContext(ctx, "tcp", l.proxy.Upstream())
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	if !l.proxy.adopt(l, upstream) {
		return errors.Join(net.ErrClosed, upstream.Close())
	}
	l.fromUpstream = bufio.NewReaderSize(upstream, readBufferBytes)
	return nil
}

// reset closes a connection so that its peer sees a TCP reset and loses what is under way.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only where the connection is gone already
	}
	_ = c.Close()
}
