package faults

import (
	"os"
	"path/filepath"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// FuzzRules holds a file of rules to errors instead of panics, and what it lets through to what a proxy can do: delays
// that end, and single writes that are in the command.
func FuzzRules(f *testing.F) {
	for _, source := range []string{
		"",
		"seed: 7\nrules:\n  - {name: lost, command: getMore, skip: 2, times: 1, action: error, error: {code: 43}}\n",
		"rules: [{command: insert, namespace: d.c, probability: 0.1, action: reset, applied: true, delay: 5ms}]",
		"rules: [{command: insert, action: write-errors, error: {code: 121}, documents: {indexes: [1, 2, 900], share: 0.5, larger_than: 30, field: a.b, equals: x}}]",
		"rules: [{command: '*', action: delay, delay: 2540400h}, {command: '*', action: delay, delay: 2540400h}]",
		"rules: [{command: insert, unacknowledged: true, action: no-reply, probability: .nan}]",
		`{"rules": [{"command": "update", "action": "write-errors", "error": {"code": 11000, "labels": ["L"]}, "documents": {"field": "u", "equals": 1.5}}]}`,
	} {
		f.Add([]byte(source))
	}
	documents, err := filepath.Glob("../../*/*.yaml") // of profiles, which rules are not
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range documents {
		source, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	commands := fuzzedCommands(f)
	f.Fuzz(func(t *testing.T, source []byte) {
		injector, err := Parse(source)
		if err != nil {
			if len(injector.Counts()) != 0 {
				t.Error("rules with a mistake are in force")
			}
			return
		}
		for _, command := range commands {
			verdict, err := injector.judge(command)
			if err != nil {
				t.Fatalf("%s: %v", command.Name, err)
			}
			if verdict.delay < 0 {
				t.Errorf("%s: a delay of %s", command.Name, verdict.delay)
			}
			var operations []bson.Raw
			if command.IsWrite() {
				if operations, err = command.Operations(); err != nil {
					t.Fatal(err)
				}
			}
			for index := range verdict.refused {
				if index < 0 || index >= len(operations) {
					t.Errorf("%s: write %d of %d is refused", command.Name, index, len(operations))
				}
			}
			if rule := verdict.rule; rule != nil {
				if rule.Action == ActionWriteErrors && len(verdict.refused) == 0 {
					t.Errorf("%s: writes are refused, and none of them", command.Name)
				}
				rule.Error.reply()
			}
		}
		for _, count := range injector.Counts() {
			if count.Fired > count.Matched || count.Matched > len(commands) {
				t.Errorf("%+v of %d commands", count, len(commands))
			}
		}
	})
}

func fuzzedCommands(f *testing.F) (commands []*wire.Command) {
	f.Helper()
	raw := func(fields bson.D) bson.Raw {
		document, err := bson.Marshal(fields)
		if err != nil {
			f.Fatal(err)
		}
		return document
	}
	for _, fields := range []bson.D{
		{{Key: "hello", Value: 1}, {Key: "$db", Value: "admin"}},
		{{Key: "find", Value: "c"}, {Key: "$db", Value: "d"}},
		{{Key: "getMore", Value: int64(5)}, {Key: "collection", Value: "c"}, {Key: "$db", Value: "d"}},
		{{Key: "insert", Value: "c"}, {Key: "documents", Value: bson.A{bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: "x"}}}}}}, {Key: "$db", Value: "d"}},
		{{Key: "update", Value: "c"}, {Key: "updates", Value: bson.A{bson.D{{Key: "q", Value: bson.D{}}, {Key: "u", Value: 1.5}}}}, {Key: "$db", Value: "d"}},
		{{Key: "delete", Value: "c"}, {Key: "deletes", Value: bson.A{}}, {Key: "$db", Value: "d"}},
	} {
		command, err := wire.NewCommand(raw(fields))
		if err != nil {
			f.Fatal(err)
		}
		commands = append(commands, command)
	}
	return commands
}
