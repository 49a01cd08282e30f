package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// serving starts a command of the sandbox that prints exports, and returns them once last has been printed.
func serving(t *testing.T, last string, args ...string) map[string]string {
	t.Helper()
	command := sandbox(t, args...)
	ended := exec.Command(command.Path, args...) // the test's context ends before its clean-up begins
	ended.Env, command.Cmd = command.Env, ended
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		assignment, exported := strings.CutPrefix(lines.Text(), "export ")
		name, value, _ := strings.Cut(assignment, "=")
		if !exported {
			continue
		}
		variables[name] = strings.Trim(value, "'")
		if name == last {
			t.Cleanup(func() {
				_ = command.Process.Signal(syscall.SIGTERM)
				if err := command.Wait(); err != nil {
					t.Errorf("%v: %v: %s", args, err, stderr.String())
				}
				command.checkLeft(t)
			})
			return variables
		}
	}
	_ = command.Wait()
	t.Fatalf("%v ended before it printed %s: %s", args, last, stderr.String())
	return nil
}

func client(t *testing.T, uri string) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(t.Context(), options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database("d")
}

// call asks an endpoint and returns what it answers as JSON.
func call(t *testing.T, method, url, body string) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v: %s", method, url, response.Status, err, text)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s %s: %v: %s", method, url, err, text)
	}
	return answer
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServeIsAnAccount(t *testing.T) {
	variables := serving(t, "VIDA_SANDBOX_SOURCE_FAULTS_URL", "serve",
		"--profile", file(t, "mine.yaml", "base: ru-3.6\nname: mine\nmax_write_batch: 7\n"), "--wire-version", "7",
		"--request-units", "3000", "--physical-partitions", "3", "--background", "600", "--autoscale", "--ttl-index=false",
		"--source-faults", file(t, "faults.yaml", "rules: [{name: once, command: ping, times: 1, action: error, error: {code: 91}}]"))
	source := client(t, variables["COSMOS_DB_CONNECTION_STRING"])
	var hello struct {
		MaxWireVersion    int
		MaxWriteBatchSize int
		SetName           string
	}
	if err := source.RunCommand(t.Context(), bson.D{{Key: "isMaster", Value: 1}}).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	if hello.MaxWireVersion != 7 || hello.MaxWriteBatchSize != 7 || hello.SetName != "globaldb" {
		t.Errorf("hello: %+v", hello)
	}
	if _, err := source.Collection("c").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	var charge struct{ RequestCharge float64 }
	if err := source.RunCommand(t.Context(), bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Decode(&charge); err != nil || charge.RequestCharge == 0 {
		t.Errorf("the insert: %+v, %v", charge, err)
	}
	told := call(t, http.MethodGet, variables["VIDA_SANDBOX_COSMOS_URL"], "")
	budget := told["budget"].(map[string]any)
	if told["profile"] != "mine" || budget["request_units"] != 3000.0 || budget["background"] != 600.0 || budget["autoscale"] != true || len(told["partitions"].([]any)) != 3 {
		t.Errorf("told: %v", told)
	}
	told = call(t, http.MethodPost, variables["VIDA_SANDBOX_COSMOS_URL"], `{"request_units": 500, "background": 0}`)
	if budget := told["budget"].(map[string]any); budget["request_units"] != 500.0 || budget["background"] != 0.0 {
		t.Errorf("after the change: %v", told)
	}
	if err := source.RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err(); err == nil || !strings.Contains(err.Error(), "quiesce") {
		t.Errorf("ping: %v", err)
	}
	if fired := call(t, http.MethodGet, variables["VIDA_SANDBOX_SOURCE_FAULTS_URL"], "")["fired"]; fired != 1.0 {
		t.Errorf("%v rules have fired", fired)
	}
	// Behind it is a server without an account, which has the document.
	behind := client(t, variables["VIDA_SANDBOX_SOURCE_ENGINE_URI"])
	if n, err := behind.Collection("c").CountDocuments(t.Context(), bson.D{}); err != nil || n != 1 {
		t.Errorf("the server behind has %d documents, %v", n, err)
	}
	if err := behind.RunCommand(t.Context(), bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Err(); err == nil {
		t.Error("the server behind meters")
	}
}

func TestServeAsksForUserAndPassword(t *testing.T) {
	variables := serving(t, "VIDA_SANDBOX_COSMOS_URL", "serve", "--username", "acct", "--password", "k/e+y==", "--env-file", filepath.Join(t.TempDir(), "env"))
	shown := variables["COSMOS_DB_CONNECTION_STRING"]
	if !strings.HasPrefix(shown, "mongodb://acct:xxxxx@") {
		t.Errorf("shown is %s", shown)
	}
	right := strings.Replace(shown, "xxxxx", "k%2Fe%2By%3D%3D", 1)
	if err := client(t, right).RunCommand(t.Context(), bson.D{{Key: "count", Value: "c"}}).Err(); err != nil {
		t.Error(err)
	}
	if err := client(t, shown).RunCommand(t.Context(), bson.D{{Key: "count", Value: "c"}}).Err(); err == nil || !strings.Contains(err.Error(), "auth") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestServeHasACollectionOfOrders(t *testing.T) {
	variables := serving(t, "VIDA_SANDBOX_COSMOS_URL", "serve", "--orders")
	indexes := client(t, variables["COSMOS_DB_CONNECTION_STRING"]).Client().Database("volvo-service-orders").Collection("serviceorders").Indexes()
	specifications, err := indexes.ListSpecifications(t.Context())
	if err != nil || len(specifications) != 6 { // with those on _id and on _ts
		t.Errorf("%d indexes, %v", len(specifications), err)
	}
	if told := call(t, http.MethodGet, variables["VIDA_SANDBOX_COSMOS_URL"], ""); told["charged"].(map[string]any)["total"] != 1.0 {
		t.Errorf("charged before it was used: %v", told["charged"])
	}
}

func TestServeWithoutAnAccount(t *testing.T) {
	for _, without := range []string{"--cosmos=off", "--profile=none"} {
		variables := serving(t, "VIDA_TEST_TARGET_URI", "serve", without)
		if err := client(t, variables["COSMOS_DB_CONNECTION_STRING"]).RunCommand(t.Context(), bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Err(); err == nil {
			t.Errorf("%s: the source meters", without)
		}
	}
}

func TestProxy(t *testing.T) {
	target := serving(t, "VIDA_TEST_TARGET_URI", "serve", "--cosmos=off")["VIDA_TEST_TARGET_URI"]
	rules := file(t, "rules.yaml", "rules: [{name: late, command: insert, times: 1, action: error, applied: true, error: {code: 50}}]")
	variables := serving(t, "VIDA_SANDBOX_FAULTS_URL", "proxy", "--upstream", target, "--rules", rules)
	endpoint := variables["VIDA_SANDBOX_FAULTS_URL"]
	collection := client(t, variables["VIDA_SANDBOX_PROXY_URI"]).Collection("c")
	if _, err := collection.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); err == nil {
		t.Error("the insert was to fail")
	}
	if _, err := collection.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("the insert that failed was not done: %v", err)
	}
	told := call(t, http.MethodGet, endpoint, "")
	if rule := told["rules"].([]any)[0].(map[string]any); rule["name"] != "late" || rule["matched"] != 2.0 || rule["fired"] != 1.0 {
		t.Errorf("told: %v", told)
	}
	told = call(t, http.MethodPut, endpoint+"rules", "rules: [{command: find, action: error, error: {code: 2}}]")
	if told["fired"] != 0.0 {
		t.Errorf("after other rules: %v", told)
	}
	if err := collection.FindOne(t.Context(), bson.D{}).Err(); err == nil {
		t.Error("the other rules do not hold")
	}
	response, err := http.Post(endpoint+"rules", "text/plain", strings.NewReader("rules: []"))
	if err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST rules: %v, %v", response.Status, err)
	}
	_ = response.Body.Close()
	if told := call(t, http.MethodPost, endpoint+"pause", ""); told["paused"] != true {
		t.Errorf("paused: %v", told)
	}
	if err := client(t, variables["VIDA_SANDBOX_PROXY_URI"]+"?serverSelectionTimeoutMS=300").RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err(); err == nil {
		t.Error("answers while it is paused")
	}
	call(t, http.MethodPost, endpoint+"resume", "")
	if err := client(t, variables["VIDA_SANDBOX_PROXY_URI"]).RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err(); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestMistakesInTheFlagsOfTheDouble(t *testing.T) {
	tls := "mongodb://u:hunter2@example.com/?tls=true"
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"profile":              {[]string{"--profile", "ru-9"}, "ru-3.6, ru-4.2, ru-7.0, vcore"},
		"profile file":         {[]string{"--profile", file(t, "p.yaml", "max_pages: 3\n")}, "max_pages"},
		"behaviour":            {[]string{"--throttled-writes", "never"}, "partial, command, mixed"},
		"mode":                 {[]string{"--cosmos", "maybe"}, "maybe"},
		"off and asked for":    {[]string{"--cosmos=off", "--request-units", "5"}, "--request-units"},
		"none and asked for":   {[]string{"--profile", "none", "--twin-every", "5"}, "--twin-every"},
		"none and on":          {[]string{"--profile", "none", "--cosmos=on"}, "exclude each other"},
		"throughput":           {[]string{"--request-units", "0"}, "--request-units 0"},
		"orders of the user's": {[]string{"--orders", "--source-uri", "mongodb://h/"}, "--orders"},
		"password":             {[]string{"--username", "a"}, "--password"},
		"a user behind":        {[]string{"--username", "a", "--password", "b", "--source-uri", "mongodb://u:hunter2@h/"}, "--username"},
		"no faults":            {[]string{"--target-faults-address", "127.0.0.1:0"}, "--target-faults"},
		"faults":               {[]string{"--target-faults", file(t, "f.yaml", "rules: [{command: find}]")}, "action"},
		"no file of faults":    {[]string{"--source-faults", "/nonesuch"}, "/nonesuch"},
		"TLS behind":           {[]string{"--source-uri", tls, "--cosmos=on"}, "TLS"},
		"TLS behind faults":    {[]string{"--target-uri", tls, "--target-faults", "/dev/null"}, "TLS"},
		"lookups behind":       {[]string{"--source-uri", "mongodb+srv://u:hunter2@h/", "--cosmos=on"}, "mongodb+srv"},
		"proxy of nothing":     {nil, "--upstream"},
		"proxy without rules":  {[]string{"--upstream", "mongodb://h/", "--rules", "/nonesuch"}, "/nonesuch"},
		"proxy of TLS":         {[]string{"--upstream", tls}, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(append([]string{"exec"}, c.args...), "--", "true")
			if strings.HasPrefix(name, "proxy") {
				args = append([]string{"proxy"}, c.args...)
			}
			command := sandbox(t, args...)
			out, _ := command.CombinedOutput()
			if got := command.ProcessState.ExitCode(); got != 2 || !strings.Contains(string(out), c.says) {
				t.Errorf("exit code %d, output %q; want 2 and %q", got, out, c.says)
			}
			if strings.Contains(string(out), "hunter2") {
				t.Errorf("shows a password: %s", out)
			}
			command.checkLeft(t)
		})
	}
}
