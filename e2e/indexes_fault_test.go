package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// A Cosmos DB account lists what MongoDB refuses: everything is reported, and nothing of it fails.
func TestIndexesOfACosmosAccount(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--default-indexes", "--decorate-indexes", "--ttl-index")
	j.through(d)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	report := j.run(0, j.plan("cosmos", indexSteps))
	for what, text := range map[string]string{"the notes": report.step(t, "indexes").notes(), "the file": strings.Join(strings.Fields(strings.ReplaceAll(j.read("indexes.yaml"), "#", " ")), " ")} {
		contains(t, what, text, "_ts_1", "DocumentDBDefaultIndex_1", "DocumentDBDefaultIndex_2dsphere", "a field ttl", "The application loses this: no document expires on the target",
			"warning: unique: where the collection has a shard key", "ns, ", "each server sets its own")
	}
	verdicts := map[string]string{}
	for _, collection := range report.step(t, "indexes").Result.Collections {
		for _, index := range collection.Report.Indexes {
			verdicts[index.Name] = index.Verdict + " " + strings.Join(index.Reasons, " ")
		}
	}
	contains(t, "the report in JSON", verdicts["_ts_1"], "dropped", "The application loses this: no document expires on the target")
	contains(t, "the report in JSON", verdicts["DocumentDBDefaultIndex_1"], "dropped", "the application loses nothing")
	contains(t, "the report in JSON", verdicts["_id_"], "kept")
	sameIndexes(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// A connection that breaks while the server builds loses nothing: the index is looked up again.
func TestABuildThatLosesItsConnection(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--cosmos=off", "--target-faults", j.file("faults.yaml", "rules:\n"+
		"  - {command: createIndexes, times: 2, action: reset, applied: true}\n"+
		"  - {command: createIndexes, times: 2, action: reset}\n"+
		"  - {command: createIndexes, times: 1, action: error, error: {code: 285}}\n"+
		"  - {command: createIndexes, times: 1, action: error, error: {code: 1, message: deadlock detected}}\n"+
		"  - {command: listIndexes, times: 2, action: error, error: {code: 91}}\n"))
	j.through(d)
	createIndexes(t, j.source.Collection("orders"), plainIndexes...)
	step := j.run(0, j.plan("lost", indexSteps)).step(t, "create")
	want(t, "faults", int64(d.fired("target")), 8)
	want(t, "units", step.UnitsDone, 3)
	sameIndexes(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// Killed while it extracts and while it creates, the same command goes on.
func TestKilledAmongIndexesTheSameCommandGoesOn(t *testing.T) {
	j := newJob(t)
	slow := "rules:\n  - {command: listIndexes, action: delay, delay: 40ms}\n  - {command: createIndexes, action: delay, delay: 40ms}\n"
	d := startDouble(t, "--cosmos=off", "--source-faults", j.file("source.yaml", slow), "--target-faults", j.file("target.yaml", slow))
	j.through(d)
	var collections []string
	for n := range 4 {
		name := fmt.Sprintf("orders%d", n)
		collections = append(collections, name)
		createIndexes(t, j.source.Collection(name), plainIndexes...)
	}
	plan := j.plan("killed", strings.ReplaceAll(indexSteps, "[orders]", "["+strings.Join(collections, ", ")+"]\n\t  tuning: {workers: 1}"))
	kills := 0
	for pause := 60 * time.Millisecond; ; pause += 60 * time.Millisecond {
		begin := time.Now()
		if j.killWhen(func() bool { return time.Since(begin) > pause }, "run", plan, "--progress", "none") {
			break
		}
		if kills++; kills > 100 {
			t.Fatal("100 kills and no end")
		}
	}
	t.Logf("%d kills", kills)
	if kills < 3 {
		t.Errorf("only %d kills: the test proves little", kills)
	}
	for _, name := range collections {
		sameIndexes(t, j.source.Collection(name), j.target.Collection(name))
	}
	partial, err := filepath.Glob(filepath.Join(j.dir, ".indexes.yaml.*"))
	if err != nil || len(partial) > kills {
		t.Errorf("%v %v", partial, err)
	}
	j.mustVida(0, "run", plan)
}

// The first interrupt does not wait for a build of hours; the server goes on with it, and a later run finds it.
func TestAnInterruptDoesNotWaitForABuild(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--cosmos=off", "--target-faults", j.file("faults.yaml", "rules:\n  - {command: createIndexes, times: 1, action: no-reply, applied: true}\n"))
	j.through(d)
	createIndexes(t, j.source.Collection("orders"), plainIndexes[0])
	plan := j.plan("interrupted", indexSteps)
	command := j.command("run", plan, "--progress", "none")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return d.fired("target") == 1 })
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := command.Wait()
	if code := command.ProcessState.ExitCode(); code != 130 {
		t.Fatalf("exit code %d: %v", code, err)
	}
	contains(t, "create", j.run(0, plan).step(t, "create").notes(), "status_1")
	sameIndexes(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// A file that is edited between a kill and the next run is not half taken.
func TestAFileEditedUnderWayIsNoticed(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--cosmos=off", "--target-faults", j.file("faults.yaml", "rules:\n  - {command: createIndexes, times: 1, action: no-reply}\n"))
	j.through(d)
	j.file("indexes.yaml", "version: 1\ncollections: {orders: [{key: {a: 1}}]}\n")
	plan := j.plan("under-way", `
	- name: create
	  type: create-indexes
	  to: target
	  file: indexes.yaml
	`)
	j.killWhen(func() bool { return d.fired("target") == 1 }, "run", plan, "--progress", "none")
	j.file("indexes.yaml", "version: 1\ncollections: {orders: [{key: {a: 1}}, {key: {b: 1}}]}\n")
	contains(t, "the error", j.run(1, plan).step(t, "create").Error, "was edited after this step was begun")
	contains(t, "create", j.run(0, plan).step(t, "create").notes(), "created b_1", "there already: a_1")
}

// The plans that come with vida, as they are.
func TestTheShippedIndexPlans(t *testing.T) {
	j := newJob(t)
	for _, name := range []string{"extract-indexes.yaml", "create-indexes.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "plans", name))
		if err != nil {
			t.Fatal(err)
		}
		j.file(name, string(text))
	}
	insert(t, j.source.Collection("serviceorders"), []any{bson.D{{Key: "_id", Value: 1}}})
	createIndexes(t, j.source.Collection("serviceorders"), plainIndexes...)
	j.run(0, "extract-indexes.yaml")
	j.run(0, "create-indexes.yaml")
	sameIndexes(t, j.source.Collection("serviceorders"), j.target.Collection("serviceorders"))
}
