package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"

	"vida/sandbox/wire"
	"vida/sandbox/wire/wiretest"
)

func start(t *testing.T, o wire.Options) *wire.Proxy {
	t.Helper()
	proxy, err := wire.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return proxy
}

func dial(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(context.Background(), options.Client().ApplyURI(uri).SetRetryReads(false).SetRetryWrites(false).
		SetServerSelectionTimeout(2*time.Second).SetTimeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func TestForward(t *testing.T) {
	for _, replicaSet := range []string{"", "globaldb"} {
		t.Run("set "+replicaSet, func(t *testing.T) {
			server := wiretest.Start(t)
			proxy := start(t, wire.Options{Upstream: server.Addr(), ReplicaSet: replicaSet})
			ctx := context.Background()
			collection := dial(t, proxy.URI()).Database("d").Collection("c")
			big := strings.Repeat("x", 9<<20)
			var list []any
			for n := range 5 {
				list = append(list, bson.D{{Key: "_id", Value: n}, {Key: "big", Value: big}})
			}
			if _, err := collection.InsertMany(ctx, list); err != nil {
				t.Fatal(err)
			}
			cursor, err := collection.Find(ctx, bson.D{}, options.Find().SetBatchSize(2))
			if err != nil {
				t.Fatal(err)
			}
			var got []bson.Raw
			if err := cursor.All(ctx, &got); err != nil {
				t.Fatal(err)
			}
			stored := server.Documents("d.c")
			if len(got) != 5 || len(stored) != 5 {
				t.Fatalf("%d documents read, %d stored", len(got), len(stored))
			}
			for n := range got {
				if want := marshal(t, list[n]); !bytes.Equal(got[n], want) || !bytes.Equal(stored[n], want) {
					t.Errorf("document %d changed on its way", n)
				}
			}
		})
	}
}

func marshal(t *testing.T, document any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestHelloNamesTheProxy(t *testing.T) {
	server := wiretest.Start(t)
	var asked atomic.Value
	proxy := start(t, wire.Options{Upstream: server.Addr(), ReplicaSet: "globaldb"})
	outer := start(t, wire.Options{Upstream: proxy.Addr(), Interceptors: []wire.Interceptor{
		wire.InterceptorFunc(func(ctx context.Context, _ *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
			reply, err := next(ctx, command)
			if err == nil && command.Is("hello") {
				asked.Store(bson.Raw(bytes.Clone(reply.Document())))
			}
			return reply, err
		})}})
	for _, test := range []struct {
		proxy *wire.Proxy
		hosts string
		set   string
	}{{proxy, proxy.Addr(), "globaldb"}, {outer, "", ""}} {
		var hello bson.Raw
		command := bson.D{{Key: "hello", Value: 1}, {Key: "compression", Value: bson.A{"zlib"}}}
		if err := dial(t, test.proxy.URI()).Database("admin").RunCommand(context.Background(), command).Decode(&hello); err != nil {
			t.Fatal(err)
		}
		set, _ := hello.Lookup("setName").StringValueOK()
		host, _ := hello.Lookup("hosts", "0").StringValueOK()
		me, _ := hello.Lookup("me").StringValueOK()
		if set != test.set || host != test.hosts || me != test.hosts {
			t.Errorf("hello says set %q, hosts %q, me %q; want %q, %q", set, host, me, test.set, test.hosts)
		}
	}
	if seen, _ := asked.Load().(bson.Raw); seen == nil || seen.Lookup("hosts").Type != 0 {
		t.Errorf("an interceptor sees the hello before it is rewritten: %v", seen)
	}
}

func TestUnacknowledgedWrite(t *testing.T) {
	server := wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: server.Addr()})
	client := dial(t, proxy.URI()+"?maxPoolSize=1")
	collection := client.Database("d").Collection("c", options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	for n := range 3 {
		if _, err := collection.InsertOne(context.Background(), bson.D{{Key: "_id", Value: n}}); !errors.Is(err, mongo.ErrUnacknowledgedWrite) && err != nil {
			t.Fatal(err)
		}
	}
	// The one connection answers in order, so this comes after.
	if err := client.Database("d").RunCommand(context.Background(), bson.D{{Key: "count", Value: "c"}}).Err(); err != nil {
		t.Fatal(err)
	}
	if got := len(server.Documents("d.c")); got != 3 {
		t.Fatalf("%d documents, want 3", got)
	}
}

func TestPauseResume(t *testing.T) {
	server := wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: server.Addr()})
	client := dial(t, proxy.URI()+"?serverSelectionTimeoutMS=300")
	ctx := context.Background()
	if err := client.Ping(ctx, nil); err != nil {
		t.Fatal(err)
	}
	proxy.Pause()
	if err := client.Ping(ctx, nil); err == nil {
		t.Fatal("an unplugged server answers")
	}
	if c, err := net.Dial("tcp", proxy.Addr()); err == nil {
		if _, err := io.ReadAll(c); err == nil {
			t.Error("a connection during a pause ends without a reset")
		}
		_ = c.Close()
	}
	proxy.Resume()
	fresh := dial(t, proxy.URI())
	if err := fresh.Ping(ctx, nil); err != nil {
		t.Fatalf("after resume: %v", err)
	}
}

func mustDial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	return c
}

func TestSetUpstream(t *testing.T) {
	one, two := wiretest.Start(t), wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: "mongodb://user:p%40ss@" + one.Addr() + "/db?x=y"})
	insert := func(id int) {
		if _, err := dial(t, proxy.URI()).Database("d").Collection("c").InsertOne(context.Background(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
	insert(1)
	if err := proxy.SetUpstream(two.Addr()); err != nil {
		t.Fatal(err)
	}
	insert(2)
	if a, b := len(one.Documents("d.c")), len(two.Documents("d.c")); a != 1 || b != 1 {
		t.Fatalf("%d and %d documents, want 1 and 1", a, b)
	}
	if err := proxy.SetUpstream("nonsense"); err == nil {
		t.Fatal("nonsense is accepted")
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	server := wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: server.Addr(), IdleTimeout: 50 * time.Millisecond})
	started := time.Now()
	if rest, err := io.ReadAll(mustDial(t, proxy.Addr())); err != nil || len(rest) > 0 {
		t.Fatalf("got %d bytes, %v; want a plain end", len(rest), err)
	}
	if took := time.Since(started); took < 50*time.Millisecond {
		t.Fatalf("ended after %v already", took)
	}
}

func TestUpstreamGone(t *testing.T) {
	server := wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: server.Addr()})
	server.Close()
	client := dial(t, proxy.URI()+"?serverSelectionTimeoutMS=200")
	if err := client.Ping(context.Background(), nil); err == nil {
		t.Fatal("a server that is gone answers")
	}
}

func TestGarbageEndsOnlyItsConnection(t *testing.T) {
	server := wiretest.Start(t)
	proxy := start(t, wire.Options{Upstream: server.Addr()})
	for _, garbage := range [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), bytes.Repeat([]byte{0}, 64), {21, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0}} {
		c := mustDial(t, proxy.Addr())
		if _, err := c.Write(garbage); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q is answered", garbage)
		}
	}
	if err := dial(t, proxy.URI()).Ping(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

// TestCloseWaits: nothing of a proxy runs after Close, whatever its connections were doing.
func TestCloseWaits(t *testing.T) {
	server := wiretest.Start(t)
	before := runtime.NumGoroutine()
	stuck := make(chan struct{}, 8)
	proxy := start(t, wire.Options{Upstream: server.Addr(), Interceptors: []wire.Interceptor{
		wire.InterceptorFunc(func(ctx context.Context, conn *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
			if command.Is("insert") {
				stuck <- struct{}{}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			if command.Is("ping") {
				stuck <- struct{}{}
				return nil, wire.ErrNoReply
			}
			return next(ctx, command)
		})}})
	client := dial(t, proxy.URI())
	var clients sync.WaitGroup
	clients.Go(func() {
		if _, err := client.Database("d").Collection("c").InsertOne(context.Background(), bson.D{}); err == nil {
			t.Error("the insert is answered")
		}
	})
	clients.Go(func() {
		if err := client.Database("d").RunCommand(context.Background(), bson.D{{Key: "ping", Value: 1}}).Err(); err == nil {
			t.Error("the ping is answered")
		}
	})
	<-stuck
	<-stuck
	if err := proxy.Close(); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	_ = client.Disconnect(context.Background())
	if err := proxy.Close(); err != nil || proxy.Connections() != 0 {
		t.Fatalf("closed again: %v, %d connections", err, proxy.Connections())
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // the server's side of the connections ends a moment later
	}
	if now := runtime.NumGoroutine(); now > before {
		buffer := make([]byte, 1<<20)
		t.Fatalf("%d goroutines before, %d after:\n%s", before, now, buffer[:runtime.Stack(buffer, true)])
	}
}

func TestConnValues(t *testing.T) {
	server := wiretest.Start(t)
	type counter struct{}
	var most atomic.Int64
	proxy := start(t, wire.Options{Upstream: server.Addr(), Interceptors: []wire.Interceptor{
		wire.InterceptorFunc(func(ctx context.Context, conn *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
			n, _ := conn.Value(counter{}).(int)
			conn.SetValue(counter{}, n+1)
			if command.Is("count") {
				most.Store(int64(n))
			}
			return next(ctx, command)
		})}})
	client := dial(t, proxy.URI()+"?maxPoolSize=1")
	for range 3 {
		if err := client.Database("d").RunCommand(context.Background(), bson.D{{Key: "count", Value: "c"}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if most.Load() != 3 { // the handshake and two counts before
		t.Fatalf("the third count saw %d commands before it", most.Load())
	}
}

func TestStartRefuses(t *testing.T) {
	taken := wiretest.Start(t)
	for _, o := range []wire.Options{
		{},
		{Upstream: "mongodb://"},
		{Upstream: "mongodb+srv://cluster.example.net"},
		{Upstream: "127.0.0.1:1", Listen: taken.Addr()},
	} {
		if proxy, err := wire.Start(context.Background(), o); err == nil {
			_ = proxy.Close()
			t.Errorf("%+v is accepted", o)
		}
	}
	_, err := wire.Start(context.Background(), wire.Options{Upstream: "mongodb://u:secret@/"})
	if err == nil || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("error %v", err)
	}
}
