package wire

import (
	"context"
	"errors"
	"net"
)

// What an interceptor can do to a connection.
var (
	// ErrReset cuts the client's connection with a TCP reset.
	ErrReset = errors.New("reset the connection")
	// ErrNoReply leaves the client waiting until it gives up.
	ErrNoReply = errors.New("never reply")
)

// Next hands a command on: to the following interceptor, and from the last one to the server. The reply of an
// unacknowledged command is nil.
type Next func(ctx context.Context, command *Command) (*Reply, error)

// Interceptor sees every command of every connection. It is called by many connections at once, by each for
// one command at a time. An error ends the connection; see [ErrReset] and [ErrNoReply].
type Interceptor interface {
	Intercept(ctx context.Context, conn *Conn, command *Command, next Next) (*Reply, error)
}

// InterceptorFunc is a function as an [Interceptor].
type InterceptorFunc func(ctx context.Context, conn *Conn, command *Command, next Next) (*Reply, error)

// Intercept calls the function.
func (f InterceptorFunc) Intercept(ctx context.Context, conn *Conn, command *Command, next Next) (*Reply, error) {
	return f(ctx, conn, command, next)
}

// Conn is a client's connection, as interceptors see it.
type Conn struct {
	ID     uint64 // counted from 1 within a proxy
	Client net.Addr

	values map[any]any
}

// Value is what was kept under a key for the life of the connection; nil for nothing. Like SetValue it may be
// called only while the connection's command is being intercepted.
func (c *Conn) Value(key any) any { return c.values[key] }

// SetValue keeps a value for the life of the connection.
func (c *Conn) SetValue(key, value any) {
	if c.values == nil {
		c.values = map[any]any{}
	}
	c.values[key] = value
}

// chain makes one handler of the interceptors and what comes after them.
func chain(interceptors []Interceptor, conn *Conn, last Next) Next {
	next := last
	for n := len(interceptors) - 1; n >= 0; n-- {
		interceptor, inner := interceptors[n], next
		next = func(ctx context.Context, command *Command) (*Reply, error) {
			return interceptor.Intercept(ctx, conn, command, inner)
		}
	}
	return next
}
