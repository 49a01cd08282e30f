package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"

	"vida/state"
)

// scripted is what a script works on.
type scripted struct {
	databases map[string]*mongo.Database // source and target
	lock      *state.Lock
}

type scriptedKey struct{}

// TestScripts runs testdata/script: what an operator types, and what follows. Beside the commands of testscript
// there are
//
//	vida CODE ARGUMENT...           runs the binary, which must end with that exit code
//	documents SIDE COLLECTION N     stores numbered documents in the source or the target
//	document SIDE COLLECTION JSON   stores one
//	lock PLAN, unlock               holds a plan's lock, as another run does
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			j := newJob(env.T().(testing.TB))
			env.Values[scriptedKey{}] = &scripted{databases: map[string]*mongo.Database{"source": j.source, "target": j.target}}
			env.Setenv("COSMOS_DB_CONNECTION_STRING", sourceURI)
			env.Setenv("COSMOS_DB_NAME", j.database)
			env.Setenv("MONGODB_ATLAS_CONNECTION_STRING", targetURI)
			env.Setenv("MONGODB_ATLAS_DB_NAME", j.database)
			env.Setenv("VIDA_STATE", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"vida": runVida, "documents": storeNumbered, "document": storeOne, "lock": takeLock, "unlock": releaseLock,
		},
	})
}

func runVida(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: vida CODE ARGUMENT...")
	}
	wanted, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	switch err := ts.Exec(vida, args[1:]...); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	default:
		ts.Check(err)
	}
	if code != wanted {
		ts.Fatalf("exit code %d, want %d", code, wanted)
	}
}

func collectionOf(ts *testscript.TestScript, neg bool, args []string) *mongo.Collection {
	database := ts.Value(scriptedKey{}).(*scripted).databases[args[0]]
	if neg || len(args) != 3 || database == nil {
		ts.Fatalf("usage: documents source|target COLLECTION N, or document source|target COLLECTION JSON")
	}
	return database.Collection(args[1])
}

func storeNumbered(ts *testscript.TestScript, neg bool, args []string) {
	collection := collectionOf(ts, neg, args)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	_, err = collection.InsertMany(context.Background(), numbered(n))
	ts.Check(err)
}

func storeOne(ts *testscript.TestScript, neg bool, args []string) {
	collection := collectionOf(ts, neg, args)
	var document bson.D
	ts.Check(bson.UnmarshalExtJSON([]byte(args[2]), true, &document))
	_, err := collection.InsertOne(context.Background(), document)
	ts.Check(err)
}

func takeLock(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(scriptedKey{}).(*scripted)
	if neg || len(args) != 1 || s.lock != nil {
		ts.Fatalf("usage: lock PLAN")
	}
	var err error
	s.lock, err = state.TakeLock(ts.Getenv("VIDA_STATE"), args[0])
	ts.Check(err)
	ts.Setenv("HOLDER", strconv.Itoa(os.Getpid()))
}

func releaseLock(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value(scriptedKey{}).(*scripted)
	ts.Check(s.lock.Release())
	s.lock = nil
}
