package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say where a proxy stands and what it does.
type Options struct {
	Listen       string        // host:port; empty for a free port of 127.0.0.1
	Upstream     string        // host:port, or a mongodb:// URI whose first host is used
	Advertise    string        // host:port that hello tells clients; empty for the listener's address
	ReplicaSet   string        // set name that hello tells; empty to look like a server on its own
	IdleTimeout  time.Duration // connections without a command for this long are closed; 0 for never
	Interceptors []Interceptor // the first sees a command first
	Logger       *slog.Logger  // why connections ended; nil for silence
}

// Proxy listens until it is closed or the context of Start is done. Its methods may be called at any time.
type Proxy struct {
	options      Options
	interceptors []Interceptor
	listener     net.Listener
	cancel       context.CancelFunc
	running      sync.WaitGroup
	pool         bufferPool
	log          *slog.Logger

	mu       sync.Mutex
	upstream string
	paused   bool
	links    map[*link]struct{}
	accepted uint64
}

// Start listens and serves. The upstream is not dialled before a client's first command needs it.
func Start(ctx context.Context, options Options) (*Proxy, error) {
	upstream, err := hostOf(options.Upstream)
	if err != nil {
		return nil, err
	}
	if options.Listen == "" {
		options.Listen = "127.0.0.1:0"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", options.Listen, err)
	}
	if options.Advertise == "" {
		options.Advertise = listener.Addr().String()
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &Proxy{
		options: options,
		// Innermost, so that the others see what clients will see.
		interceptors: append(append([]Interceptor{}, options.Interceptors...),
			handshake{address: options.Advertise, replicaSet: options.ReplicaSet}),
		listener: listener,
		cancel:   cancel,
		log:      options.Logger,
		upstream: upstream,
		links:    map[*link]struct{}{},
	}
	p.running.Add(2)
	go p.accept(ctx)
	go p.stop(ctx)
	return p, nil
}

// Addr is the host:port that the proxy listens on.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URI is a connection string that leads to the proxy.
func (p *Proxy) URI() string {
	if p.options.ReplicaSet != "" {
		return "mongodb://" + p.options.Advertise + "/?replicaSet=" + p.options.ReplicaSet
	}
	return "mongodb://" + p.options.Advertise + "/"
}

// Upstream is the host:port that commands are forwarded to.
func (p *Proxy) Upstream() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream
}

// SetUpstream forwards to another server from now on, and resets the connections to the one before.
func (p *Proxy) SetUpstream(upstream string) error {
	host, err := hostOf(upstream)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = host
	p.resetAll()
	return nil
}

// Pause unplugs the server: every connection is reset, and so is each new one, until Resume. The port stays
// taken, so that Resume cannot fail.
func (p *Proxy) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	p.resetAll()
}

// Resume ends a pause.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = false
}

// Reset resets every connection; new ones are welcome.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetAll()
}

// Paused tells whether a pause is under way.
func (p *Proxy) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// Connections is how many clients are connected.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Close ends every connection and returns when nothing of the proxy runs any more. It may be called twice.
func (p *Proxy) Close() error {
	p.cancel()
	p.running.Wait()
	return nil
}

func (p *Proxy) accept(ctx context.Context) {
	defer p.running.Done()
	defer p.cancel()
	for {
		client, err := p.listener.Accept()
		switch {
		case err == nil:
			p.welcome(ctx, client)
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			return
		default:
			// Out of file descriptors, most likely: clients go, and then there are some again.
			p.log.Warn("accept", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// stop wakes up whatever blocks on a socket once ctx is done.
func (p *Proxy) stop(ctx context.Context) {
	defer p.running.Done()
	<-ctx.Done()
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetAll()
}

func (p *Proxy) welcome(ctx context.Context, client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused || ctx.Err() != nil {
		reset(client)
		return
	}
	p.accepted++
	l := &link{
		proxy:   p,
		conn:    Conn{ID: p.accepted, Client: client.RemoteAddr()},
		client:  client,
		from:    bufio.NewReaderSize(client, readBufferBytes),
		buffers: buffers{pool: &p.pool},
	}
	ctx, l.cancel = context.WithCancel(ctx)
	p.links[l] = struct{}{}
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		err := l.serve(ctx)
		p.farewell(l, err)
	}()
}

// farewell closes a connection's sockets: softly where the client or the idle timeout ended it, else by reset.
func (p *Proxy) farewell(l *link, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	l.cancel()
	var timeout net.Error
	if errors.Is(err, io.EOF) || errors.As(err, &timeout) && timeout.Timeout() {
		_ = l.client.Close()
	} else {
		reset(l.client)
	}
	if l.upstream != nil {
		_ = l.upstream.Close()
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		p.log.Debug("connection ended", "connection", l.conn.ID, "client", l.conn.Client.String(), "reason", err)
	}
}

// adopt makes an upstream connection the link's, unless the link has been cut meanwhile.
func (p *Proxy) adopt(l *link, upstream net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.cut {
		return false
	}
	l.upstream = upstream
	return true
}

// resetAll cuts every connection. Its caller holds p.mu.
func (p *Proxy) resetAll() {
	for l := range p.links {
		l.cut = true
		l.cancel()
		reset(l.client)
		if l.upstream != nil {
			_ = l.upstream.Close()
		}
	}
}

// hostOf accepts a bare host:port too.
func hostOf(upstream string) (string, error) {
	rest, isURI := strings.CutPrefix(upstream, "mongodb://")
	if isURI {
		rest, _, _ = strings.Cut(rest, "/")
		rest, _, _ = strings.Cut(rest, "?")
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		rest, _, _ = strings.Cut(rest, ",")
		if _, _, err := net.SplitHostPort(rest); err != nil && rest != "" {
			rest = net.JoinHostPort(strings.Trim(rest, "[]"), "27017")
		}
	}
	host, port, err := net.SplitHostPort(rest)
	if _, notNumber := strconv.ParseUint(port, 10, 16); err != nil || notNumber != nil || host == "" {
		return "", errors.New("the upstream must be host:port or a mongodb:// URI with a host") // never shown: it may hold a password
	}
	return net.JoinHostPort(host, port), nil
}
