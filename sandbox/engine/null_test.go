package engine

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/engine/null"
)

func TestNullReportsWhatItDid(t *testing.T) {
	servers := start(t, Options{
		Kind:   Null,
		Source: Side{Database: "d", Collection: "c"},
		Target: Side{Database: "e", Collection: "f"},
		Null:   null.Options{Documents: 250, IDKind: null.UUID, DocumentBytes: 1900},
	})
	t.Cleanup(func() { _ = servers.Stop() })
	ctx := t.Context()
	var documents []any
	cursor, err := connect(t, servers.SourceURI).Database("d").Collection("c").Find(ctx, bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var found []bson.Raw
	if err := cursor.All(ctx, &found); err != nil {
		t.Fatal(err)
	}
	for _, document := range found {
		documents = append(documents, document)
	}
	if _, err := connect(t, servers.TargetURI).Database("e").Collection("f").InsertMany(ctx, documents); err != nil {
		t.Fatal(err)
	}
	report := strings.Join(servers.Report(), "\n")
	for _, want := range []string{"source: 250 documents served", "target: 0 documents served", "250 arrived", "0 wrong, 0 doubled; 250 there now"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
}

func TestNullOptionsAreChecked(t *testing.T) {
	if _, err := Start(t.Context(), Options{Kind: Null}); err == nil || !strings.Contains(err.Error(), "engine null: source: ") {
		t.Errorf("options of nothing gave %v", err)
	}
}
