package e2e

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

const impatient = "serverSelectionTimeoutMS=4000&connectTimeoutMS=3000"

// mockMongoDB is a MongoDB server with access control, as far as a check of connections looks at one.
type mockMongoDB struct {
	collections []string
	privileges  bson.A
	refuse      map[string]bson.D // by command
}

func (m mockMongoDB) answer(name string, command bson.Raw) bson.D {
	if refused, ok := m.refuse[name]; ok {
		return refused
	}
	cursor := func(namespace string, batch bson.A) bson.D {
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: namespace}, {Key: "firstBatch", Value: batch}}}}
	}
	switch {
	case isHello(name):
		return helloOf(21)
	case name == "buildInfo":
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "version", Value: "8.0.4"}}
	case name == "connectionStatus":
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "authInfo", Value: bson.D{
			{Key: "authenticatedUsers", Value: bson.A{bson.D{{Key: "user", Value: "mover"}, {Key: "db", Value: "admin"}}}},
			{Key: "authenticatedUserRoles", Value: bson.A{}},
			{Key: "authenticatedUserPrivileges", Value: m.privileges},
		}}}
	case name == "listCollections":
		list := bson.A{}
		for _, c := range m.collections {
			list = append(list, bson.D{{Key: "name", Value: c}, {Key: "type", Value: "collection"}})
		}
		return cursor("shop.$cmd.listCollections", list)
	case name == "listDatabases":
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "databases", Value: bson.A{bson.D{{Key: "name", Value: "Shop"}}, bson.D{{Key: "name", Value: "admin"}}}}}
	case name == "find":
		return cursor("shop.orders", bson.A{})
	case name == "ping", name == "endSessions", name == "delete":
		return bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: int32(0)}}
	}
	return refusalOf(59, "CommandNotFound", "no such command: '"+name+"'")
}

func privilege(database, collection string, actions ...string) bson.D {
	return bson.D{{Key: "resource", Value: bson.D{{Key: "db", Value: database}, {Key: "collection", Value: collection}}}, {Key: "actions", Value: actions}}
}

// checkPlan is a plan of nothing but a check of the named URIs, each taken from the environment.
func (j *job) checkPlan(name string, uris map[string]string) string {
	text := "version: 1\nname: " + name + "\nconnections:\n"
	for connection, uri := range uris {
		variable := "URI_" + strings.ToUpper(strings.ReplaceAll(connection, "-", "_"))
		text += fmt.Sprintf("  %s: {uri: \"${%s}\", database: %s}\n", connection, variable, j.database)
		j.env = append(j.env, variable+"="+uri)
	}
	return j.file(name+".yaml", text+"tuning: {workers: 20}\nsteps:\n  - {name: check, type: check-connections}\n")
}

// noSecret makes sure that a text is in nothing that a run has shown or kept.
func (j *job) noSecret(o outcome, secrets ...string) {
	j.t.Helper()
	kept, err := filepath.Glob(filepath.Join(j.dir, "state", "*"))
	if err != nil {
		j.t.Fatal(err)
	}
	texts := map[string]string{"stdout": o.stdout, "stderr": o.stderr}
	for _, file := range kept {
		content, err := os.ReadFile(file)
		if err != nil {
			j.t.Fatal(err)
		}
		texts[file] = string(content)
	}
	for where, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				j.t.Errorf("%s holds the secret %q", where, secret)
			}
		}
	}
}

// Every way to fail is told with what to do about it, in one run: none hides another, and the connection that
// works is looked at too.
func TestEveryBrokenConnectionIsToldApart(t *testing.T) {
	j := newJob(t)
	const secret = "s3cr3t%2Fkey%3D%3D" // s3cr3t/key==
	user := "mongodb://acct:" + secret + "@"
	login := func(name string, _ bson.Raw) bson.D {
		if isHello(name) {
			return helloOf(21)
		}
		return refusalOf(18, "AuthenticationFailed", "Authentication failed for s3cr3t/key==.")
	}
	tooOld := func(string, bson.Raw) bson.D { return helloOf(2) }
	greets := func(name string, _ bson.Raw) bson.D {
		if isHello(name) {
			return helloOf(21)
		}
		return nil
	}
	locked := mockMongoDB{refuse: map[string]bson.D{"listCollections": refusalOf(13, "Unauthorized", "not authorized on shop to execute command { listCollections: 1 }")}}
	otherName := tlsFor(t, "db.example.com")
	authority := j.file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: otherName.Certificates[0].Certificate[0]})))

	broken := map[string]struct {
		uri string
		say []string
	}{
		"wrong-host":     {user + "nosuch.invalid:27017/?" + impatient, []string{"cannot reach nosuch.invalid", "host"}},
		"refused":        {user + closedAddress(t) + "/?" + impatient, []string{"connection refused", "nothing listens there"}},
		"silent":         {user + listen(t, nil, silent) + "/?" + impatient, []string{"no answer in time", "firewall"}},
		"silent-tls":     {user + listen(t, nil, silent) + "/?ssl=true&" + impatient, []string{"no answer in time", "ssl=true"}},
		"hangs-later":    {"mongodb://" + listen(t, nil, answering(greets)) + "/?" + impatient, []string{"takes connections, but does not answer in time"}},
		"plain-to-tls":   {"mongodb://" + listen(t, tlsFor(t, "127.0.0.1"), silent) + "/?" + impatient, []string{"closed the connection without an answer", "add tls=true"}},
		"tls-to-plain":   {strings.Replace(sourceURI, "?", "", 1) + "?ssl=true&" + impatient, []string{"ssl=true"}},
		"authority":      {user + listen(t, tlsFor(t, "127.0.0.1"), answering(greets)) + "/?tls=true&" + impatient, []string{"an authority that this machine does not know", "tlsCAFile"}},
		"wrong-name":     {user + listen(t, otherName, answering(greets)) + "/?tls=true&tlsCAFile=" + authority + "&" + impatient, []string{"not for this name"}},
		"wrong-password": {user + listen(t, nil, answering(login)) + "/?" + impatient, []string{"refused the user name or the password", "authSource"}},
		"cosmos-3-2":     {"mongodb://" + listen(t, nil, answering(tooOld)) + "/?" + impatient, []string{"wire version 2", "Cosmos DB account to server version 3.6"}},
		"srv":            {"mongodb+srv://acct:" + secret + "@cluster0.nosuch.invalid/?" + impatient, []string{"SRV record _mongodb._tcp.cluster0.nosuch.invalid", "mongodb://"}},
		"may-not":        {"mongodb://" + listen(t, nil, answering(locked.answer)) + "/?" + impatient, []string{"the user may not do this", "readWrite"}},
	}
	uris := map[string]string{"works": sourceURI}
	for name, b := range broken {
		uris[name] = b.uri
	}
	plan := j.checkPlan("broken", uris)
	for _, run := range []outcome{j.mustVida(1, "run", plan), j.mustVida(1, "run", plan, "--dry-run")} {
		for name, b := range broken {
			line := lineWith(run.stdout, "error: connection "+name+": ")
			for _, part := range b.say {
				if !strings.Contains(line, part) {
					t.Errorf("%s: lacks %q: %q", name, part, line)
				}
			}
		}
		if !strings.Contains(run.stdout, "works: ") || strings.Contains(run.stdout, "error: connection works") {
			t.Errorf("the connection that works:\n%s", run.stdout)
		}
		j.noSecret(run, secret, "s3cr3t", "key==")
	}
	if t.Failed() {
		t.Log(j.vida("run", plan).stdout)
	}
	j.noSecret(j.vida("status", plan, "--output", "json"), "s3cr3t", "key==")
}

func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// A key that was pasted as it is keeps a plan from starting, and is not shown.
func TestAKeyThatIsNotEscapedIsTold(t *testing.T) {
	j := newJob(t)
	for character, password := range map[string]string{"/": "pa55/w0rd==", "@": "pa55@w0rd==", ":": "pa55:w0rd=="} {
		uri := "mongodb://acct:" + password + "@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@"
		j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+uri)
		o := j.mustVida(2, "run", j.plan("unescaped", "- {name: check, type: check-connections}"))
		for _, part := range []string{"unescaped " + character, "in the password", "%2F", "unescaped.yaml:4:"} {
			if !strings.Contains(o.stderr, part) {
				t.Errorf("%q: lacks %q:\n%s", character, part, o.stderr)
			}
		}
		j.noSecret(o, "pa55", "w0rd")

		literal := j.file("literal.yaml", "version: 1\nname: literal\nconnections:\n  source: {uri: \""+uri+"\", database: d}\nsteps:\n  - {name: check, type: check-connections}\n")
		j.noSecret(j.mustVida(2, "run", literal), "pa55", "w0rd")
	}
}

// What a check finds out where everything is as it should be, and that it leaves nothing behind.
func TestACheckTellsWhatIsThereAndLeavesNothing(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), []any{bson.D{{Key: "_id", Value: 1}}})
	plan := j.plan("check", `
		- name: check
		  type: check-connections
		- name: copy
		  type: copy
		  when: steps.check.result.ok && steps.check.result.connections.source.kind != "cosmos"
		  from: source
		  to: target
		  collections: [{from: orders, to: copied}]
		- name: verify
		  type: verify-counts
		  from: source
		  to: target
		  collections: [{from: orders, to: copied}]
	`)
	before := [2]string{everything(t, j.source), everything(t, j.target)}
	for _, run := range []outcome{j.mustVida(0, "run", plan, "--only", "check"), j.mustVida(0, "run", plan, "--dry-run")} {
		for _, part := range []string{"wire version 21, round trip ", "source: the database " + j.database + " has 1 collection, orders among them",
			"source: the user may read", "target: the database " + j.database + " does not exist yet"} {
			if !strings.Contains(run.stdout, part) {
				t.Errorf("lacks %q:\n%s", part, run.stdout)
			}
		}
	}
	if o := j.mustVida(0, "run", plan, "--only", "check"); !strings.Contains(o.stdout, "target: the user may read and write") {
		t.Errorf("writing was not tried:\n%s", o.stdout)
	}
	for n, database := range []*mongo.Database{j.source, j.target} {
		if after := everything(t, database); after != before[n] {
			t.Errorf("the check left something behind:\nbefore %s\nafter  %s", before[n], after)
		}
	}
	report := j.run(0, plan)
	want(t, "inserted", report.step(t, "copy").Inserted, 1)
}

// everything lists the databases of a server and the contents of one.
func everything(t testing.TB, database *mongo.Database) string {
	t.Helper()
	databases, err := database.Client().ListDatabaseNames(t.Context(), bson.D{{Key: "name", Value: database.Name()}})
	if err != nil {
		t.Fatal(err)
	}
	collections, err := database.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(databases, collections)
	for _, c := range collections {
		text += fmt.Sprint(contents(t, database.Collection(c)))
	}
	return text
}

// What later steps would fail of is found before they start.
func TestACheckFindsWhatLaterStepsWouldFailOf(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("order"), []any{bson.D{{Key: "_id", Value: 1}}})
	copyOrders := `
		- name: check
		  type: check-connections
		- name: indexes
		  type: extract-indexes
		  from: source
		  collections: [orders]
		- name: generate
		  type: generate
		  when: env.GENERATE == "yes"
		  to: source
		  collection: orders
		  documents: 10
		- name: copy
		  type: copy
		  from: source
		  to: target
		  collections: [orders]
	`
	j.env = append(j.env, "GENERATE=no")
	o := j.mustVida(1, "run", j.plan("missing", copyOrders))
	if line := lineWith(o.stdout, "error: connection source: "); !strings.Contains(line, j.database+".orders does not exist, and is read by copy (there are order)") {
		t.Errorf("the missing collection:\n%s", o.stdout)
	}
	other := strings.Replace(copyOrders, "collections: [orders]", "collections: [ordres]", 1) // which no step makes
	o = j.mustVida(1, "run", j.plan("misspelt", other))
	if !strings.Contains(o.stdout, j.database+".ordres does not exist, and is read by indexes (there are order)") {
		t.Errorf("the misspelt collection:\n%s", o.stdout)
	}
	want(t, "collections of the target", int64(len(names(t, j.target))), 0)
	// What an earlier step makes need not be there.
	j.env = append(j.env, "GENERATE=yes")
	j.mustVida(0, "run", j.plan("missing", copyOrders))
	want(t, "copied", count(t, j.target.Collection("orders")), 10)
}

func names(t testing.TB, database *mongo.Database) []string {
	t.Helper()
	list, err := database.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Where the server tells the user's privileges, each action that a step needs is looked up among them.
func TestPrivilegesThatStepsLackAreNamed(t *testing.T) {
	j := newJob(t)
	reads := mockMongoDB{collections: []string{"orders"}, privileges: bson.A{privilege("shop", "", "find", "listCollections")}}
	inserts := mockMongoDB{collections: []string{"orders"}, privileges: bson.A{privilege("shop", "orders", "find", "insert"), privilege("shop", "", "listCollections")},
		refuse: map[string]bson.D{"delete": refusalOf(13, "Unauthorized", "not authorized to delete")}}
	all := mockMongoDB{collections: []string{"orders"}, privileges: bson.A{privilege("", "", "find", "insert", "update", "createIndex", "remove")}}
	secondary := all
	secondary.refuse = map[string]bson.D{"delete": refusalOf(10107, "NotWritablePrimary", "not primary")}
	sharded := mockMongoDB{collections: []string{"orders"}, refuse: map[string]bson.D{
		"connectionStatus": refusalOf(115, "CommandNotSupported", "not supported"), "delete": refusalOf(61, "ShardKeyNotFound", "no shard key")}}
	readOnlyKey := mockMongoDB{collections: []string{"orders"}, refuse: map[string]bson.D{
		"connectionStatus": refusalOf(115, "CommandNotSupported", "not supported"), "delete": refusalOf(13, "Unauthorized", "the key is read-only")}}
	elsewhere := mockMongoDB{privileges: all.privileges} // the database is called Shop there

	tests := []struct {
		name           string
		source, target mockMongoDB
		conflict       string
		code           int
		say            []string
	}{
		{"enough", reads, inserts, "skip", 0, []string{"source: the user mover@admin may read", "target: the user mover@admin may read and write"}},
		{"everything", all, all, "replace", 0, []string{"target: the user mover@admin may read and write"}},
		{"no update", reads, inserts, "replace", 1, []string{"the user mover@admin may not update on shop.orders, as copy must (give it the role readWrite on shop)"}},
		{"reads only", reads, reads, "skip", 1, []string{"may not insert on shop.orders, as copy must", "target: the user mover@admin may read, but not write"}},
		{"not primary", reads, secondary, "skip", 1, []string{"connection target: ", "not primary"}},
		{"a try that says nothing", reads, sharded, "skip", 0, []string{"target: whether the user may write is not known", "no shard key"}},
		{"a read-only key", reads, readOnlyKey, "skip", 1, []string{"target: the user may read, but not write", "the key is read-only"}},
		{"differs in case", reads, elsewhere, "skip", 1, []string{"there is a database Shop, and MongoDB allows none that differs from it in case only, as shop does"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := &job{t: t, dir: t.TempDir(), env: j.env}
			j.env = append(j.env, "VIDA_STATE="+filepath.Join(j.dir, "state"),
				"COSMOS_DB_CONNECTION_STRING=mongodb://"+listen(t, nil, answering(test.source.answer))+"/?"+impatient, "COSMOS_DB_NAME=shop",
				"MONGODB_ATLAS_CONNECTION_STRING=mongodb://"+listen(t, nil, answering(test.target.answer))+"/?"+impatient, "MONGODB_ATLAS_DB_NAME=shop")
			plan := j.plan("rights", `
				- {name: check, type: check-connections}
				- {name: copy, type: copy, from: source, to: target, collections: [orders], on_conflict: `+test.conflict+`}
			`)
			o := j.mustVida(test.code, "run", plan, "--only", "check")
			for _, part := range test.say {
				if !strings.Contains(o.stdout, part) {
					t.Errorf("lacks %q:\n%s", part, o.stdout)
				}
			}
		})
	}
}

// What was found out before a kill is not believed after it.
func TestAKilledCheckLooksAgain(t *testing.T) {
	j := newJob(t)
	plan := j.plan("killed-check", "- {name: check, type: check-connections}")
	sound := j.env
	j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING=mongodb://"+closedAddress(t)+"/?"+impatient,
		"MONGODB_ATLAS_CONNECTION_STRING=mongodb://"+listen(t, nil, silent)+"/?serverSelectionTimeoutMS=600000")
	state := filepath.Join(j.dir, "state", "killed-check.db-wal")
	if ended := j.killWhen(func() bool {
		content, err := os.ReadFile(state)
		return err == nil && bytes.Contains(content, []byte("connection refused"))
	}, "run", plan, "--progress", "none"); ended {
		t.Fatal("it was not killed")
	}
	j.env = sound
	for _, args := range [][]string{{"run", plan, "--dry-run"}, {"run", plan}} {
		if o := j.mustVida(0, args...); strings.Contains(o.stdout, "refused") || !strings.Contains(o.stdout, "source: the database") {
			t.Errorf("%v:\n%s", args, o.stdout)
		}
	}
}

// A check that hangs ends at the first Ctrl-C, and says how to go on.
func TestAHangingCheckEndsAtCtrlC(t *testing.T) {
	j := newJob(t)
	greets := answering(func(name string, _ bson.Raw) bson.D {
		if isHello(name) {
			return helloOf(21)
		}
		return nil
	})
	tests := map[string][2]string{
		"in the handshake": {"mongodb://" + listen(t, nil, silent) + "/?serverSelectionTimeoutMS=600000&connectTimeoutMS=600000", ""},
		"in a command":     {"mongodb://" + listen(t, nil, greets) + "/?serverSelectionTimeoutMS=600000&connectTimeoutMS=600000", ""},
		"in another step":  {"mongodb://" + listen(t, nil, silent) + "/?serverSelectionTimeoutMS=600000&connectTimeoutMS=600000", "copy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			steps := "- {name: check, type: check-connections}"
			if test[1] != "" {
				steps = "- {name: copy, type: copy, from: source, to: target}"
			}
			j := &job{t: t, dir: t.TempDir(), env: append(j.env, "COSMOS_DB_CONNECTION_STRING="+test[0]), database: j.database}
			command := j.command("run", j.plan("hangs", steps), "--state", filepath.Join(j.dir, "state"), "--progress", "plain")
			var stdout bytes.Buffer
			var stderr watched
			command.Stdout, command.Stderr = &stdout, &stderr
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			waitFor(t, func() bool { return strings.Contains(stderr.String(), " started (") })
			time.Sleep(300 * time.Millisecond) // into the wait for the server; sooner is as good
			if err := command.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(stdout.String(), "To go on from there") {
					t.Errorf("%v\n%s%s", err, stdout.String(), stderr.String())
				}
			case <-time.After(30 * time.Second):
				_ = command.Process.Kill()
				_ = <-ended //nolint:staticcheck // killed: its error is no news
				t.Fatal("it still runs half a minute after Ctrl-C")
			}
		})
	}
}

// watched is a buffer that may be read while it is written to.
type watched struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.String()
}
