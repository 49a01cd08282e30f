package e2e

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// tap is a relay before a server that knows what is asked of it: it counts the documents that inserts carry, and
// can do something at any message. It lets everything through as it is.
type tap struct {
	listener net.Listener
	upstream string
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	sent  map[string]int64 // documents in inserts, by collection
	asked map[string]int64 // commands by name
	// hook is called before a command is passed on, with how many have been, this one included.
	hook func(number int64, command string)
	all  int64
	down bool // no connection lives
}

// newTap stands before the server of a mongodb:// URI until the test ends.
func newTap(t testing.TB, uri string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	p := &tap{listener: listener, upstream: host, conns: map[net.Conn]bool{}, sent: map[string]int64{}, asked: map[string]int64{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

func (p *tap) uri() string { return "mongodb://" + p.listener.Addr().String() + "/" }

func (p *tap) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *tap) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.upstream)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	down := p.down
	p.mu.Unlock()
	if down {
		_ = client.Close()
	}
	both := func() {
		_ = client.Close()
		_ = server.Close()
	}
	p.running.Go(func() {
		_, _ = io.Copy(client, server)
		both()
	})
	for {
		message, err := readWire(client)
		if err != nil {
			break
		}
		p.see(message)
		if _, err := server.Write(message); err != nil {
			break
		}
	}
	both()
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

func readWire(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size < 16 || size > 64<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	message := make([]byte, size)
	copy(message, length[:])
	_, err := io.ReadFull(from, message[4:])
	return message, err
}

// see counts a command. Only OP_MSG is looked into. The documents of an insert are an array of the command, or a
// section of their own.
func (p *tap) see(message []byte) {
	const opMsg, header, flags = 2013, 16, 4
	if binary.LittleEndian.Uint32(message[12:]) != opMsg || len(message) < header+flags+1+5 {
		return
	}
	command, collection, documents := "", "", int64(0)
	for rest := message[header+flags:]; len(rest) > 5; {
		kind, section := rest[0], rest[1:]
		size := int(binary.LittleEndian.Uint32(section))
		if size < 5 || size > len(section) {
			break // the checksum at the end
		}
		switch kind {
		case 0:
			element := section[4:size]
			name, value, _ := strings.Cut(string(element[1:]), "\x00")
			command = name
			if element[0] == 2 && len(value) > 5 { // a string: the collection's name
				collection, _, _ = strings.Cut(value[4:], "\x00")
			}
			if list, ok := bson.Raw(section[:size]).Lookup("documents").ArrayOK(); ok && command == "insert" {
				values, _ := list.Values()
				documents += int64(len(values))
			}
		case 1:
			body := section[4:size]
			_, after, _ := strings.Cut(string(body), "\x00")
			for len(after) >= 4 {
				documents++
				after = after[min(len(after), int(binary.LittleEndian.Uint32([]byte(after[:4])))):]
			}
		}
		rest = rest[1+size:]
	}
	if command == "hello" || command == "isMaster" {
		return // the driver's watching of the server, which comes at any time
	}
	p.mu.Lock()
	p.all++
	p.asked[command]++
	if command == "insert" {
		p.sent[collection] += documents
	}
	hook, number := p.hook, p.all
	p.mu.Unlock()
	if hook != nil {
		hook(number, command)
	}
}

// documents is how many documents inserts into a collection have carried.
func (p *tap) documents(collection string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[collection]
}

// at sets what is called at each command from now on, which are counted from 1 again.
func (p *tap) at(hook func(number int64, command string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook, p.all = hook, 0
}

// cut closes every connection, and each new one at once, until mend. A client that waits for a reply meets the end of
// the stream, not a reset: all that it sent has been read.
func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *tap) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
