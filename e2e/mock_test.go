package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// listen serves connections with what a test has made up, and returns the address.
func listen(t testing.TB, config *tls.Config, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				if config != nil {
					serve(tls.Server(conn, config))
				} else {
					serve(conn)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return listener.Addr().String()
}

// closedAddress is one where nothing listens.
func closedAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// silent takes what it is told and never answers.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// answering serves commands with what reply makes of them; nil keeps silent.
func answering(reply func(name string, command bson.Raw) bson.D) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			var header [16]byte
			if _, err := io.ReadFull(conn, header[:]); err != nil {
				return
			}
			_, request, _, opcode, _, _ := wiremessage.ReadHeader(header[:])
			body := make([]byte, binary.LittleEndian.Uint32(header[:])-16)
			if _, err := io.ReadFull(conn, body); err != nil {
				return
			}
			command := bson.Raw(body[5:])
			asked := opcode == wiremessage.OpQuery //nolint:staticcheck // what a driver's first hello is
			if asked {
				command = body[4+strings.IndexByte(string(body[4:]), 0)+1+8:]
			}
			elements, err := command[:binary.LittleEndian.Uint32(command)].Elements()
			if err != nil {
				return
			}
			answer := reply(elements[0].Key(), command)
			if answer == nil {
				continue
			}
			document, err := bson.Marshal(answer)
			if err != nil {
				return
			}
			var index int32
			var message []byte
			if asked {
				index, message = wiremessage.AppendHeaderStart(nil, 1, request, wiremessage.OpReply) //nolint:staticcheck // and its answer
				message = append(message, make([]byte, 16)...)
				message = append(message, 1, 0, 0, 0)
			} else {
				index, message = wiremessage.AppendHeaderStart(nil, 1, request, wiremessage.OpMsg)
				message = append(message, make([]byte, 5)...)
			}
			message = append(message, document...)
			binary.LittleEndian.PutUint32(message[index:], uint32(len(message)))
			if _, err := conn.Write(message); err != nil {
				return
			}
		}
	}
}

func helloOf(wireVersion int32) bson.D {
	return bson.D{{Key: "ok", Value: 1.0}, {Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true},
		{Key: "minWireVersion", Value: int32(0)}, {Key: "maxWireVersion", Value: wireVersion},
		{Key: "maxBsonObjectSize", Value: int32(16 << 20)}, {Key: "maxMessageSizeBytes", Value: int32(48_000_000)}, {Key: "maxWriteBatchSize", Value: int32(1000)}}
}

func isHello(name string) bool {
	return strings.EqualFold(name, "hello") || strings.EqualFold(name, "isMaster")
}

func refusalOf(code int32, name, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: message}}
}

// tlsFor is the configuration of a server with a certificate of its own making, for that name.
func tlsFor(t testing.TB, name string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
