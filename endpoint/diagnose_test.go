package endpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// listen serves connections until the test ends, and returns the address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, serve)
	return listener.Addr().String()
}

func serveOn(t *testing.T, listener net.Listener, serve func(net.Conn)) {
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
}

// answering is a server that answers each command with what reply makes of it.
func answering(reply func(command string) bson.D) func(net.Conn) {
	return answeringMessages(func(command string, _ []byte) bson.D { return reply(command) })
}

// answeringMessages is answering for who looks into the message's body.
func answeringMessages(reply func(command string, body []byte) bson.D) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			var header [16]byte
			if _, err := io.ReadFull(conn, header[:]); err != nil {
				return
			}
			body := make([]byte, binary.LittleEndian.Uint32(header[:])-16)
			if _, err := io.ReadFull(conn, body); err != nil {
				return
			}
			opcode := binary.LittleEndian.Uint32(header[12:])
			var command bson.Raw
			var head []byte
			if opcode == 2004 { // OP_QUERY: flags, the collection's name, skip, limit, document
				end := strings.IndexByte(string(body[4:]), 0)
				command = body[4+end+1+8:]
				head = append(make([]byte, 16), 1, 0, 0, 0) // flags, cursor, from, one document
			} else {
				command = body[5:]
				head = make([]byte, 5) // flags and the kind of section
			}
			name := command[5:]
			said := reply(string(name[:strings.IndexByte(string(name), 0)]), body)
			if said == nil {
				return // breaks off
			}
			answer, err := bson.Marshal(said)
			if err != nil {
				return
			}
			message := append(head, answer...)
			out := binary.LittleEndian.AppendUint32(nil, uint32(16+len(message)))
			out = binary.LittleEndian.AppendUint32(out, 1)
			out = append(out, header[4:8]...)
			if opcode == 2004 {
				out = binary.LittleEndian.AppendUint32(out, 1)
			} else {
				out = binary.LittleEndian.AppendUint32(out, 2013)
			}
			if _, err := conn.Write(append(out, message...)); err != nil {
				return
			}
		}
	}
}

func hello(wire int) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true}, {Key: "maxWireVersion", Value: wire}, {Key: "minWireVersion", Value: 0},
		{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48000000}, {Key: "maxWriteBatchSize", Value: 1000}}
}

// refusing greets with the given wire version and answers everything else with an error.
func refusing(wire int, code int32, name, message string) func(net.Conn) {
	return answering(func(command string) bson.D {
		if command == "hello" || strings.EqualFold(command, "isMaster") {
			return hello(wire)
		}
		return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: message}}
	})
}

// tlsServer returns the configuration of a server whose certificate, of an authority of its own, is for
// names, and the authority's file.
func tlsServer(t *testing.T, until time.Time, names ...string) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

// listenTLS is listen behind TLS.
func listenTLS(t *testing.T, config *tls.Config, serve func(net.Conn)) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, serve)
	return listener.Addr().String()
}

// connectError is what the driver says when it is told to ping a server.
func connectError(t *testing.T, uri string) error {
	t.Helper()
	ctx := context.Background()
	o := options.Client().ApplyURI(uri).SetServerSelectionTimeout(3 * time.Second).SetConnectTimeout(2 * time.Second)
	if err := o.Validate(); err != nil {
		return err
	}
	client, err := mongo.Connect(ctx, o)
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	return client.Database("admin").RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err()
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestDiagnoseServers(t *testing.T) {
	selfSigned, authority := tlsServer(t, time.Now().Add(time.Hour), "127.0.0.1")
	otherName, otherAuthority := tlsServer(t, time.Now().Add(time.Hour), "db.example.com")
	expired, expiredAuthority := tlsServer(t, time.Now().Add(-time.Hour), "127.0.0.1")
	clientAuth := selfSigned.Clone()
	clientAuth.ClientAuth = tls.RequireAnyClientCert
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	closing := func(net.Conn) {}
	greeting := refusing(21, 13, "Unauthorized", "command ping requires authentication")

	tests := []struct {
		name, uri     string
		problem, hint string // parts of the texts
	}{
		{"no such host", "mongodb://user:s3cret@nosuchhost.invalid:27017/", "cannot reach nosuchhost.invalid", ""},
		{"closed port", "mongodb://" + closedPort(t) + "/", "connection refused", "nothing listens there"},
		{"no answer", "mongodb://" + listen(t, silent) + "/", "no answer in time", "firewall"},
		{"closes at once", "mongodb://" + listen(t, closing) + "/", "closed the connection without an answer", "add tls=true"},
		{"closes at once under tls", "mongodb://" + listen(t, closing) + "/?tls=true", "closed the connection without an answer", "take tls=true"},
		{"does not speak tls", "mongodb://" + listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH\r\n")) }) + "/?ssl=true", "does not speak TLS", "ssl=true"},
		{"unknown authority", "mongodb://" + listenTLS(t, selfSigned, greeting) + "/?tls=true", "an authority that this machine does not know", "tlsCAFile"},
		{"another name", "mongodb://" + listenTLS(t, otherName, greeting) + "/?tls=true&tlsCAFile=" + otherAuthority, "not for this name", "name the host"},
		{"expired", "mongodb://" + listenTLS(t, expired, greeting) + "/?tls=true&tlsCAFile=" + expiredAuthority, "expired", "clock"},
		{"client certificate wanted", "mongodb://" + listenTLS(t, clientAuth, greeting) + "/?tls=true&tlsCAFile=" + authority, "broke off the TLS handshake", "tlsCertificateKeyFile"},
		{"cosmos 3.2", "mongodb://" + listen(t, refusing(2, 59, "CommandNotFound", "no")) + "/", "wire version 2, and vida needs 6", "3.6 or later"},
		{"too new", "mongodb://" + listen(t, answering(func(string) bson.D {
			return append(hello(99), bson.E{Key: "minWireVersion", Value: 90})
		})) + "/", "", ""},
		{"a firewall", "mongodb://user:s3cret@" + listen(t, refusing(21, 13, "Unauthorized", "Error=13, Details='Response status code does not indicate success, Forbidden (403); Substatus: 5301; Request originated from IP 10.0.0.1 through public internet. This is blocked by your Cosmos DB account firewall settings.'")) + "/", "firewall lets nobody in from here", "Networking in the Azure portal"},
		{"wrong password", "mongodb://user:s3cret@" + listen(t, refusing(21, 18, "AuthenticationFailed", "Authentication failed for s3cret.")) + "/", "refused the user name or the password", "authSource"},
		{"wrong password on atlas", "mongodb://user:s3cret@" + listen(t, refusing(21, 8000, "AtlasError", "bad auth : Authentication failed.")) + "/", "refused the user name or the password", "percent-encode"},
		{"no such mechanism", "mongodb://user:s3cret@" + listen(t, refusing(21, 334, "MechanismUnavailable", "SCRAM is off")) + "/", "does not offer this way to log in: (MechanismUnavailable) SCRAM is off", "authMechanism"},
		{"not authorised", "mongodb://" + listen(t, greeting) + "/", "may not do this", "readWrite"},
		{"retryable writes", "mongodb://" + listen(t, refusing(8, 2, "BadValue", `Retryable writes are not supported. Please disable retryable writes by specifying "retrywrites=false" in the connection string or an equivalent driver specific config.`)) + "/", "refuses retryable writes", "retrywrites=false"},
		{"another replica set", "mongodb://" + listen(t, answering(func(string) bson.D {
			return append(hello(21), bson.E{Key: "setName", Value: "rs1"}, bson.E{Key: "hosts", Value: bson.A{"a:1"}}, bson.E{Key: "me", Value: "a:1"})
		})) + "/?replicaSet=rs0", `belongs to the replica set "rs0"`, "replicaSet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw := connectError(t, test.uri)
			if raw == nil {
				t.Fatal("the driver is content")
			}
			checkDiagnosis(t, raw, test.uri, test.problem, test.hint)
		})
	}
}

func checkDiagnosis(t *testing.T, raw error, uri, problem, hint string) {
	t.Helper()
	err := Diagnose(raw, uri)
	t.Log(err)
	var found *ConnectError
	if !errors.As(err, &found) {
		t.Fatalf("%T is no *ConnectError: %v", err, err)
	}
	if inner := errors.Unwrap(err); inner == nil || inner.Error() != raw.Error() {
		t.Errorf("the driver's error is lost: %v", inner)
	}
	if !strings.Contains(found.Problem, problem) {
		t.Errorf("problem %q lacks %q (the driver: %v)", found.Problem, problem, raw)
	}
	if !strings.Contains(found.Hint, hint) {
		t.Errorf("hint %q lacks %q", found.Hint, hint)
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("not one line without secrets: %q", err)
	}
}

func TestDiagnoseURI(t *testing.T) {
	tests := []struct{ name, uri, problem, hint string }{
		{"slash in password", "mongodb://acct:ab/s3cret==@acct.mongo.cosmos.azure.com:10255/?ssl=true", "unescaped /", "%2F"},
		{"at in password", "mongodb://acct:ab@s3cret==@host:10255/?ssl=true", "unescaped @", "%40"},
		{"colon in password", "mongodb://acct:ab:s3cret==@host:10255/?ssl=true", "unescaped :", "%3A"},
		{"percent in password", "mongodb://acct:%zzs3cret@host/", "a % that two hexadecimal digits do not follow", "%25"},
		{"slash in user", "mongodb://ac/ct:s3cret@host/", "user name in the URI holds an unescaped /", "%2F"},
		{"scheme", "mongo://acct:s3cret@host/", "does not begin with mongodb://", ""},
		{"quoted", `"mongodb://acct:s3cret@host/"`, "does not begin with mongodb://", "quotes"},
		{"no host", "mongodb://acct:s3cret@/", "names no host", ""},
		{"port", "mongodb://acct:s3cret@host:port/", "port in the URI is not a number", ""},
		{"no slash", "mongodb://acct:s3cret@host?ssl=true", "lacks a / before the ?", ""},
		{"bad value", "mongodb://acct:s3cret@host/?ssl=perhaps", `invalid value for "ssl": "perhaps"`, "option"},
		{"bad mechanism", "mongodb://acct:s3cret@host/?authMechanism=MAGIC", "invalid auth mechanism", "option"},
		{"unequal tls and ssl", "mongodb://acct:s3cret@host/?ssl=true&tls=false", "must be equivalent", ""},
		{"srv with a port", "mongodb+srv://acct:s3cret@cluster.nosuch.invalid:27017/", "gives a port", ""},
		{"srv without a record", "mongodb+srv://acct:s3cret@cluster.nosuch.invalid/", "SRV record", "mongodb://"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			raw := options.Client().ApplyURI(test.uri).Validate()
			if raw == nil {
				t.Fatal("the driver is content")
			}
			checkDiagnosis(t, raw, test.uri, test.problem, test.hint)
		})
	}
}

// What the DNS can say about a mongodb+srv name, without asking one.
func TestDiagnoseDNS(t *testing.T) {
	const uri = "mongodb+srv://acct:s3cret@cluster0.abcde.mongodb.net/"
	tests := []struct {
		name          string
		err           error
		problem, hint string
	}{
		{"no record", &net.DNSError{Err: "no such host", Name: "_mongodb._tcp.cluster0.abcde.mongodb.net", IsNotFound: true}, "the DNS has no SRV record _mongodb._tcp.cluster0.abcde.mongodb.net", "check the host name"},
		{"no answer", &net.DNSError{Err: "i/o timeout", Name: "cluster0.abcde.mongodb.net", IsTimeout: true}, "cannot be looked up: i/o timeout", "mongodb://"},
		{"several texts", errors.New("multiple records from TXT not supported"), "several TXT records", "mongodb://"},
		{"odd text", errors.New("Invalid TXT record"), "TXT record in the DNS that is not one", "mongodb://"},
		{"odd option", errors.New("Cannot specify option 'ssl' in TXT record"), "TXT record in the DNS with an option", "mongodb://"},
		{"another domain", errors.New("Domain suffix from SRV record not matched input domain"), "another domain", "Atlas"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkDiagnosis(t, fmt.Errorf("error parsing uri: %w", test.err), uri, test.problem, test.hint)
		})
	}
}

func TestDiagnoseHintsByHost(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	tests := []struct {
		name, uri, hint string
		err             error
	}{
		{"atlas silent", "mongodb://u:s3cret@shard-00.abcde.mongodb.net:27017/?tls=true", "IP access list of the Atlas project", timeout},
		{"cosmos silent", "mongodb://u:s3cret@acct.mongo.cosmos.azure.com:10255/?ssl=true", "Networking in the Azure portal", timeout},
		{"other silent", "mongodb://db.example.com/", "IP allow list", timeout},
		{"atlas breaks off", "mongodb://u:s3cret@shard-00.abcde.mongodb.net:27017/?tls=true", "IP access list", errors.New("remote error: tls: internal error")},
		{"atlas closes", "mongodb://u:s3cret@shard-00.abcde.mongodb.net:27017/?tls=true", "IP access list", io.EOF},
		{"cosmos without tls", "mongodb://u:s3cret@acct.mongo.cosmos.azure.com:10255/", "Cosmos DB needs ssl=true", io.EOF},
		{"cosmos login", "mongodb://u:s3cret@acct.mongo.cosmos.azure.com:10255/?ssl=true", "Azure portal", &CommandError{Code: 18, Message: "Invalid key"}},
		{"atlas login", "mongodb+srv://u:s3cret@cluster0.abcde.mongodb.net/", "Database Access", &CommandError{Code: 8000, Message: "bad auth"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkDiagnosis(t, test.err, test.uri, "", test.hint) })
	}
}

func TestDiagnoseLeavesAlone(t *testing.T) {
	if err := Diagnose(nil, "mongodb://host/"); err != nil {
		t.Errorf("nil became %v", err)
	}
	if err := Diagnose(context.Canceled, "mongodb://host/"); !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption became %v", err)
	}
	once := Diagnose(io.EOF, "mongodb://host/")
	if twice := Diagnose(fmt.Errorf("again: %w", once), "mongodb://host/"); !strings.HasPrefix(twice.Error(), "again: ") || strings.Count(twice.Error(), "closed the connection") != 1 {
		t.Errorf("diagnosed twice: %v", twice)
	}
	unknown := Diagnose(errors.New("the moon is full, s3cret"), "mongodb://u:s3cret@host/")
	if unknown.Error() != "the moon is full, ***" {
		t.Errorf("an unknown error became %v", unknown)
	}
}
