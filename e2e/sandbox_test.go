package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/mongo"
)

// served is a vida-sandbox that runs.
type served struct {
	variables map[string]string
	stop      func()
}

// startServe runs vida-sandbox serve with flags until it is stopped, and waits until its servers are up.
func startServe(flags ...string) (*served, error) { return startVidaSandbox("serve", flags...) }

func startVidaSandbox(name string, flags ...string) (*served, error) {
	dir, err := os.MkdirTemp("", "vida-e2e-sandbox-")
	if err != nil {
		return nil, err
	}
	envFile := filepath.Join(dir, "env")
	command := exec.Command(sandbox, append([]string{name, "--env-file", envFile}, flags...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			_ = command.Process.Signal(os.Interrupt)
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				_ = command.Process.Kill()
				<-ended
			}
			_ = os.RemoveAll(dir)
		})
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			stop()
			return nil, fmt.Errorf("vida-sandbox %s %s ended: %s", name, strings.Join(flags, " "), stderr.String())
		default:
		}
		if variables := readVariables(envFile); variables != nil {
			return &served{variables: variables, stop: stop}, nil
		}
	}
	stop()
	return nil, fmt.Errorf("vida-sandbox %s did not start within a minute: %s", name, stderr.String())
}

// readVariables reads the sandbox's file, which appears whole; nil while there is none.
func readVariables(file string) map[string]string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	variables := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			variables[name] = value
		}
	}
	return variables
}

// double is what stands before the suite's source and target for one test.
type double struct {
	t         testing.TB
	sourceURI string
	targetURI string
	variables map[string]string // all that vida-sandbox serve tells
}

// startDouble stands a vida-sandbox of the test's own before the suite's two servers, and stops it when the test
// ends. The flags are those of vida-sandbox serve; the source is a Cosmos DB account of profile ru-4.2 with
// 10,000 RU/s unless they say otherwise:
//
//	d := startDouble(t, "--request-units", "2000", "--target-faults", j.file("faults.yaml", rules))
//	j.through(d)                                   // the job's vida and its plans go through it
//	j.run(0, plan)                                 // j.source and j.target still see the servers themselves
//	d.cosmos().Charged.Total                     // what the account's endpoint tells
//	d.change(`{"request_units": 500}`)          // its budget, other traffic, server-side retry
//	d.fired("target")                              // how often the rules have fired
//	d.post("target", "pause")                      // or resume, or reset: what a fault proxy's endpoint takes
//	d.rules("target", "rules: []")                 // other rules from now on
//
// Faults alone, without an account: startDouble(t, "--cosmos=off", "--source-faults", file).
func startDouble(t testing.TB, flags ...string) *double {
	t.Helper()
	flags = append([]string{"--source-uri", sourceURI, "--target-uri", targetURI, "--cosmos=on"}, flags...)
	s, err := startServe(flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return &double{
		t: t, variables: s.variables,
		sourceURI: s.variables["VIDA_TEST_SOURCE_URI"], targetURI: s.variables["VIDA_TEST_TARGET_URI"],
	}
}

// through lets the job's vida work through a double.
func (j *job) through(d *double) {
	j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+d.sourceURI, "MONGODB_ATLAS_CONNECTION_STRING="+d.targetURI)
}

// throughSource is the job's source database as clients of the double see it.
func (j *job) throughSource(d *double) *mongo.Database {
	return connect(j.t, d.sourceURI).Database(j.database)
}

// statistics is a part of what the account's endpoint tells.
type statistics struct {
	Seconds float64 `json:"seconds"`
	Budget  struct {
		RequestUnits float64 `json:"request_units"`
		Background   float64 `json:"background"`
	} `json:"budget"`
	Charged struct {
		Total      float64            `json:"total"`
		LastSecond float64            `json:"last_second"`
		Metadata   float64            `json:"metadata"`
		Throttled  float64            `json:"throttled"`
		ByCommand  map[string]float64 `json:"by_command"`
	} `json:"charged"`
	Throttled struct {
		Commands  int64            `json:"commands"`
		Writes    int64            `json:"writes"`
		Timeouts  int64            `json:"timeouts"`
		ByCommand map[string]int64 `json:"by_command"`
	} `json:"throttled"`
	Refused  map[string]map[string]int64 `json:"refused"`
	Dropped  int64                       `json:"dropped"`
	Commands map[string]int64            `json:"commands"`
}

// cosmos is what the account charged, throttled and refused.
func (d *double) cosmos() statistics {
	d.t.Helper()
	var s statistics
	d.call(http.MethodGet, d.url("VIDA_SANDBOX_COSMOS_URL"), "", &s)
	return s
}

// change changes the account while it is used: request_units, background, server_side_retry, reset.
func (d *double) change(change string) {
	d.t.Helper()
	d.call(http.MethodPost, d.url("VIDA_SANDBOX_COSMOS_URL"), change, nil)
}

// fired is how often the fault rules of a side, source or target, have fired.
func (d *double) fired(side string) int {
	d.t.Helper()
	var status struct {
		Fired int `json:"fired"`
	}
	d.call(http.MethodGet, d.faultsURL(side), "", &status)
	return status.Fired
}

// post asks the fault proxy of a side to pause, resume or reset.
func (d *double) post(side, what string) {
	d.t.Helper()
	d.call(http.MethodPost, d.faultsURL(side)+what, "", nil)
}

// rules replaces the fault rules of a side.
func (d *double) rules(side, rules string) {
	d.t.Helper()
	d.call(http.MethodPut, d.faultsURL(side)+"rules", rules, nil)
}

func (d *double) faultsURL(side string) string {
	d.t.Helper()
	return d.url("VIDA_SANDBOX_" + strings.ToUpper(side) + "_FAULTS_URL")
}

func (d *double) url(variable string) string {
	d.t.Helper()
	url := d.variables[variable]
	if url == "" {
		d.t.Fatalf("the sandbox was started without what %s is for", variable)
	}
	return url
}

func (d *double) call(method, url, body string, answer any) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("%s %s: %s, %v: %s", method, url, response.Status, err, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			d.t.Fatalf("%s %s: %v: %s", method, url, err, text)
		}
	}
}
