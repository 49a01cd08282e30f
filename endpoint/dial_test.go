package endpoint

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

func config(uri string) Config {
	return Config{Name: "source", URI: uri, Database: "d", Retry: Retry{For: time.Second, Initial: time.Millisecond, Max: time.Millisecond}}
}

// refusalOf is an answer that refuses.
func refusalOf(code int32, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "errmsg", Value: message}}
}

// onceThen answers a command with the first answer once, with the second from then on.
func onceThen(first, second bson.D) func() bson.D {
	var mu sync.Mutex
	told := false
	return func() bson.D {
		mu.Lock()
		defer mu.Unlock()
		if told {
			return second
		}
		told = true
		return first
	}
}

func TestWhatAServerIsFollowsFromItsAnswers(t *testing.T) {
	statistics := bson.D{{Key: "ok", Value: 1}, {Key: "RequestCharge", Value: 1.0}}
	throttled := refusalOf(16500, "Error=16500, RetryAfterMs=1, Details='x'")
	unknown := refusalOf(59, "no such command")
	tests := []struct {
		name       string
		kind       string
		hello      bson.D // nil: as any server
		statistics func() bson.D
		want       string
	}{
		{"a server of MongoDB", KindAuto, nil, func() bson.D { return unknown }, KindMongoDB},
		{"an account", KindAuto, nil, func() bson.D { return statistics }, KindCosmos},
		{"an account that throttles", KindAuto, nil, func() bson.D { return throttled }, KindCosmos},
		{"one that throttles once", KindAuto, nil, onceThen(throttled, statistics), KindCosmos},
		{"one that breaks off once", KindAuto, nil, onceThen(nil, statistics), KindCosmos},
		{"one without hello", KindAuto, refusalOf(59, "no such command: hello"), func() bson.D { return statistics }, KindCosmos},
		{"one that does not support hello", KindAuto, refusalOf(115, "Command hello not supported."), func() bson.D { return statistics }, KindCosmos},
		{"an answer without a charge", KindAuto, nil, func() bson.D { return bson.D{{Key: "ok", Value: 1}} }, KindMongoDB},
		{"kind: mongodb", KindMongoDB, nil, func() bson.D { return statistics }, KindMongoDB},
		{"kind: cosmos", KindCosmos, nil, func() bson.D { return unknown }, KindCosmos},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, answering(func(command string) bson.D {
				switch {
				case command == "hello" && test.hello != nil:
					return test.hello
				case command == "hello", strings.EqualFold(command, "isMaster"):
					return hello(8)
				case command == "buildInfo":
					return bson.D{{Key: "ok", Value: 1}, {Key: "version", Value: "4.2.0"}}
				case command == "getLastRequestStatistics":
					return test.statistics()
				}
				return bson.D{{Key: "ok", Value: 1}}
			}))
			c := config("mongodb://" + address + "/")
			c.Kind = test.kind
			r, err := OpenReader(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close(context.Background()) }()
			if got := r.Server(); got.Kind != test.want || got.WireVersion != 8 || got.Version != "4.2.0" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A connection string as the portal shows it, whatever it says about retryable writes.
func TestAConnectionStringOfThePortal(t *testing.T) {
	const portal = "mongodb://acct:k3y%2F+==@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=RETRY&maxIdleTimeMS=120000&appName=@acct@"
	for _, retry := range []string{"true", "false"} {
		o, err := clientOptions(config(strings.Replace(portal, "RETRY", retry, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if *o.RetryWrites || *o.MaxConnIdleTime != 2*time.Minute || *o.AppName != "@acct@" || *o.ReplicaSet != "globaldb" || o.TLSConfig == nil {
			t.Errorf("retryWrites=%s: %v %v %q %q %v", retry, *o.RetryWrites, *o.MaxConnIdleTime, *o.AppName, *o.ReplicaSet, o.TLSConfig)
		}
		if o.Auth.Username != "acct" || o.Auth.Password != "k3y/+==" {
			t.Errorf("the credentials are %q", o.Auth.Username)
		}
	}
	// What the load balancer would not bear is bounded, what is shorter is kept.
	for given, want := range map[string]time.Duration{"": 2 * time.Minute, "&maxIdleTimeMS=0": 2 * time.Minute, "&maxIdleTimeMS=900000": 2 * time.Minute, "&maxIdleTimeMS=30000": 30 * time.Second} {
		o, err := clientOptions(config("mongodb://host/?w=1" + given))
		if err != nil || *o.MaxConnIdleTime != want || *o.AppName != "vida" {
			t.Errorf("%q: %v, %v", given, *o.MaxConnIdleTime, err)
		}
	}
}

func TestNobodyWaitsForWhatNoWaitingMends(t *testing.T) {
	selfSigned, _ := tlsServer(t, time.Now().Add(time.Hour), "127.0.0.1")
	never := "serverSelectionTimeoutMS=3600000&connectTimeoutMS=3600000"
	silent := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); _, _ = conn.Read(make([]byte, 1<<20)) }
	stopped := make(chan struct{})
	close(stopped)
	tests := []struct {
		name, uri, problem string
		hurry              bool
		stopping           chan struct{}
	}{
		{"unknown authority", "mongodb://" + listenTLS(t, selfSigned, refusing(21, 13, "", "")) + "/?tls=true&" + never, "authority", false, nil},
		{"plain", "mongodb://" + listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH\r\n")) }) + "/?tls=true&" + never, "does not speak TLS", false, nil},
		{"refused, in a hurry", "mongodb://" + closedPort(t) + "/?" + never, "connection refused", true, nil},
		{"no such host, in a hurry", "mongodb://nosuch.invalid/?" + never, "no such host", true, nil},
		{"silent, and the run is to stop", "mongodb://" + listen(t, silent) + "/?" + never, "stopped while waiting", false, stopped},
		{"srv, and the run is to stop", "mongodb+srv://nosuch.invalid.example/?" + never, "", false, stopped},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config(test.uri)
			c.Hurry, c.Stopping = test.hurry, test.stopping
			_, err := OpenReader(context.Background(), c)
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A server that greets and then keeps silent is given up with the server-selection time-out.
func TestAServerThatKeepsSilentIsGivenUp(t *testing.T) {
	quiet := make(chan struct{})
	address := listen(t, answering(func(command string) bson.D {
		if command == "hello" || strings.EqualFold(command, "isMaster") {
			return hello(21)
		}
		<-quiet
		return nil
	}))
	t.Cleanup(func() { close(quiet) })
	_, err := OpenReader(context.Background(), config("mongodb://"+address+"/?serverSelectionTimeoutMS=200&connectTimeoutMS=200"))
	var found *ConnectError
	if !errors.As(err, &found) || !strings.Contains(found.Problem, "takes connections, but does not answer in time") {
		t.Errorf("%v", err)
	}
}

func TestPrivilegesAsMongoDBTellsThem(t *testing.T) {
	grantOf := func(resource bson.D, actions ...string) bson.D {
		return bson.D{{Key: "resource", Value: resource}, {Key: "actions", Value: actions}}
	}
	on := func(database, collection string) bson.D {
		return bson.D{{Key: "db", Value: database}, {Key: "collection", Value: collection}}
	}
	open := func(status bson.D) (Privileges, bool) {
		address := listen(t, answering(func(command string) bson.D {
			switch {
			case command == "hello", strings.EqualFold(command, "isMaster"):
				return hello(21)
			case command == "connectionStatus":
				return status
			}
			return bson.D{{Key: "ok", Value: 1}}
		}))
		r, err := OpenReader(context.Background(), config("mongodb://"+address+"/"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close(context.Background()) }()
		privileges, told, err := r.Privileges(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return privileges, told
	}
	status := func(users bson.A, privileges any) bson.D {
		return bson.D{{Key: "ok", Value: 1}, {Key: "authInfo", Value: bson.D{{Key: "authenticatedUsers", Value: users}, {Key: "authenticatedUserPrivileges", Value: privileges}}}}
	}
	user := bson.A{bson.D{{Key: "user", Value: "u"}, {Key: "db", Value: "admin"}}}

	p, told := open(status(user, bson.A{
		grantOf(on("shop", ""), "find"),
		grantOf(on("shop", "orders"), "insert"),
		grantOf(on("", "log"), "update"),
		grantOf(bson.D{{Key: "cluster", Value: true}}, "createIndex", "find"),
		grantOf(bson.D{{Key: "db", Value: "x"}, {Key: "system_buckets", Value: "y"}}, "find"),
	}))
	if !told || p.User != "u@admin" {
		t.Errorf("told %v, %q", told, p.User)
	}
	for _, test := range []struct {
		database, collection, action string
		want                         bool
	}{
		{"shop", "orders", "find", true}, {"shop", "", "find", true}, {"shop", "orders", "insert", true}, {"shop", "other", "insert", false},
		{"shop", "", "insert", false}, {"any", "log", "update", true}, {"any", "", "update", false}, {"other", "orders", "find", false},
		{"shop", "orders", "createIndex", false}, {"x", "y", "find", false},
	} {
		if got := p.Allows(test.database, test.collection, test.action); got != test.want {
			t.Errorf("%s on %s.%s: %v", test.action, test.database, test.collection, got)
		}
	}
	if p, told = open(status(user, bson.A{grantOf(bson.D{{Key: "anyResource", Value: true}}, "anyAction")})); !told || !p.Allows("a", "b", "insert") {
		t.Error("anyAction on anyResource is not enough")
	}
	for name, silent := range map[string]bson.D{
		"no access control": status(bson.A{}, bson.A{}),
		"FerretDB":          {{Key: "ok", Value: 1}, {Key: "authInfo", Value: bson.D{{Key: "authenticatedUsers", Value: user}}}},
		"Cosmos DB":         refusalOf(115, "Command connectionStatus not supported."),
	} {
		if _, told := open(silent); told {
			t.Errorf("%s: told", name)
		}
	}
}
