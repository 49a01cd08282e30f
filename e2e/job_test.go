package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// job is a folder with a plan, a state and two databases of its own.
type job struct {
	t        testing.TB
	dir      string
	database string
	source   *mongo.Database
	target   *mongo.Database
	env      []string
	binary   string // in place of the suite's vida
}

func newJob(t testing.TB) *job { return newJobOn(t, sourceURI, targetURI) }

// newJobOn is newJob on other servers than the suite's.
func newJobOn(t testing.TB, sourceURI, targetURI string) *job {
	t.Helper()
	j := &job{t: t, dir: t.TempDir(), database: fmt.Sprintf("vida_e2e_%d", time.Now().UnixNano())}
	j.source, j.target = connect(t, sourceURI).Database(j.database), connect(t, targetURI).Database(j.database)
	t.Cleanup(func() {
		ctx := context.Background()
		if err := errors.Join(j.source.Drop(ctx), j.target.Drop(ctx)); err != nil {
			t.Errorf("drop the test's databases: %v", err)
		}
	})
	j.env = append(os.Environ(),
		"COSMOS_DB_CONNECTION_STRING="+sourceURI, "COSMOS_DB_NAME="+j.database, "COSMOS_DB_COLLECTION=serviceorders",
		"MONGODB_ATLAS_CONNECTION_STRING="+targetURI, "MONGODB_ATLAS_DB_NAME="+j.database, "MONGODB_ATLAS_COLLECTION=serviceorders",
		"VIDA_STATE="+filepath.Join(j.dir, "state"))
	return j
}

func connect(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(context.Background(), options.Client().ApplyURI(uri).SetRetryWrites(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client
}

// documentDB skips a test that the embedded engine cannot serve.
func (j *job) documentDB() {
	j.t.Helper()
	if j.embedded() {
		j.t.Skip("the embedded engine does not have what this test needs: make test-documentdb runs it")
	}
}

// embedded tells whether the target is FerretDB 1.
func (j *job) embedded() bool {
	j.t.Helper()
	info, err := j.target.RunCommand(context.Background(), bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	if err != nil {
		j.t.Fatal(err)
	}
	return info.Lookup("ferretdbFeatures").Type != 0
}

// plan writes a plan with the two connections and the given steps, and returns its path.
func (j *job) plan(name, steps string) string {
	return j.planWith(name, "", steps)
}

func (j *job) planWith(name, more, steps string) string {
	j.t.Helper()
	text := "version: 1\nname: " + name + "\n" +
		"connections:\n" +
		"  source: {uri: \"${COSMOS_DB_CONNECTION_STRING}\", database: \"${COSMOS_DB_NAME}\"}\n" +
		"  target: {uri: \"${MONGODB_ATLAS_CONNECTION_STRING}\", database: \"${MONGODB_ATLAS_DB_NAME}\"}\n" +
		more + "steps:\n" + indent(steps)
	return j.file(name+".yaml", text)
}

func (j *job) file(name, text string) string {
	j.t.Helper()
	return writeFile(j.t, filepath.Join(j.dir, name), text)
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func indent(text string) string {
	text = strings.Trim(text, "\n")
	lines := strings.Split(text, "\n")
	margin := len(lines[0]) - len(strings.TrimLeft(lines[0], "\t "))
	for n, line := range lines {
		lines[n] = "  " + strings.ReplaceAll(line[min(margin, len(line)):], "\t", "  ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// outcome is a run of the binary that has ended.
type outcome struct {
	code   int
	stdout string
	stderr string
}

func (j *job) command(args ...string) *exec.Cmd {
	command := exec.Command(cmp.Or(j.binary, vida), args...)
	command.Env = j.env
	command.Dir = j.dir
	return command
}

func (j *job) vida(args ...string) outcome {
	j.t.Helper()
	command := j.command(args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		j.t.Fatal(err)
	}
	return outcome{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// mustVida is vida that ends with the given exit code.
func (j *job) mustVida(code int, args ...string) outcome {
	j.t.Helper()
	o := j.vida(args...)
	if o.code != code {
		j.t.Fatalf("vida %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(args, " "), o.code, code, o.stdout, o.stderr)
	}
	return o
}

// finished is the last line of a run's --output json.
type finished struct {
	Type         string         `json:"type"`
	RequestUnits float64        `json:"request_units"`
	Plan         string         `json:"plan"`
	Status       string         `json:"status"`
	Steps        []finishedStep `json:"steps"`
}

type finishedStep struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	Status     string  `json:"status"`
	Seconds    float64 `json:"seconds"`
	Read       int64   `json:"read"`
	Inserted   int64   `json:"inserted"`
	Identical  int64   `json:"identical"`
	Replaced   int64   `json:"replaced"`
	Skipped    int64   `json:"skipped"`
	Rejected   int64   `json:"rejected"`
	Filtered   int64   `json:"filtered"`
	Missing    int64   `json:"missing"`
	Unexpected int64   `json:"unexpected"`
	Differing  int64   `json:"differing"`
	Repaired   int64   `json:"repaired"`
	UnitsTotal int64   `json:"units_total"`
	UnitsDone  int64   `json:"units_done"`
	Error      string  `json:"error"`

	Bytes        int64    `json:"bytes"`
	RequestUnits float64  `json:"request_units"`
	Throttled    int64    `json:"throttled"`
	Retries      int64    `json:"retries"`
	Notes        []string `json:"notes"`

	// Of extract-indexes.
	Result struct {
		Collections []struct {
			Report struct {
				Indexes []struct {
					Name, Verdict string
					Reasons       []string
				}
			}
		}
	} `json:"result"`
}

// notes is what the step had to say.
func (s finishedStep) notes() string { return strings.Join(s.Notes, "\n") }

// run runs a plan with --output json and returns the report of its last line.
func (j *job) run(code int, args ...string) finished {
	j.t.Helper()
	o := j.mustVida(code, append([]string{"run", "--output", "json", "--progress", "none"}, args...)...)
	return j.report(o)
}

func (j *job) report(o outcome) finished {
	j.t.Helper()
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	var last finished
	for _, line := range lines {
		last = finished{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			j.t.Fatalf("not a line of JSON: %q: %v", line, err)
		}
	}
	if last.Type != "run_finished" {
		j.t.Fatalf("the last line is a %q", last.Type)
	}
	return last
}

func (f finished) step(t testing.TB, name string) finishedStep {
	t.Helper()
	for _, s := range f.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no step %q in %+v", name, f)
	return finishedStep{}
}

// balanced checks a step's books.
func (s finishedStep) balanced(t testing.TB) {
	t.Helper()
	if sum := s.Inserted + s.Identical + s.Replaced + s.Skipped + s.Rejected + s.Filtered; sum != s.Read {
		t.Errorf("the books of %s do not balance: read %d, accounted for %d: %+v", s.Name, s.Read, sum, s)
	}
}

// insert stores documents with the driver.
func insert(t testing.TB, collection *mongo.Collection, documents []any) {
	t.Helper()
	if _, err := collection.InsertMany(context.Background(), documents, options.InsertMany().SetOrdered(false)); err != nil {
		t.Fatal(err)
	}
}

// contents is every document of a collection by its _id's type and bytes.
func contents(t testing.TB, collection *mongo.Collection) map[string]string {
	t.Helper()
	ctx := context.Background()
	cursor, err := collection.Find(ctx, bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for cursor.Next(ctx) {
		id := cursor.Current.Lookup("_id")
		key := string(append([]byte{byte(id.Type)}, id.Value...))
		if _, twice := all[key]; twice {
			t.Errorf("two documents with _id %s", id)
		}
		all[key] = string(cursor.Current)
	}
	if err := cursor.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// sameContents compares two collections byte for byte.
func sameContents(t testing.TB, source, target *mongo.Collection) {
	t.Helper()
	want, got := contents(t, source), contents(t, target)
	shown := 0
	for key, document := range want {
		if other, ok := got[key]; !ok || other != document {
			if shown++; shown <= 5 {
				t.Errorf("source has %s\ntarget has %s", bson.Raw(document), bson.Raw(other))
			}
		}
	}
	for key, document := range got {
		if _, ok := want[key]; !ok {
			if shown++; shown <= 5 {
				t.Errorf("only in the target: %s", bson.Raw(document))
			}
		}
	}
	if shown > 0 {
		t.Errorf("%d documents differ between %s and %s (%d, %d)", shown, source.Name(), target.Name(), len(want), len(got))
	}
}

func count(t testing.TB, collection *mongo.Collection) int64 {
	t.Helper()
	n, err := collection.CountDocuments(context.Background(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
