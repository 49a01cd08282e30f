package mongodump

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// lay writes files below a directory; a name that ends in .gz is compressed.
func lay(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dump")
	for name, text := range files {
		content := []byte(text)
		if strings.HasSuffix(name, gzipSuffix) {
			var err error
			if content, err = Compressed(content); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func describe(d *Dump) string {
	var list []string
	for _, c := range d.Collections {
		file := "-"
		if c.File != "" {
			file = filepath.Base(c.File)
		}
		list = append(list, c.Database+"."+c.Name+" "+c.Type+" "+file)
	}
	return strings.Join(list, "\n")
}

func TestADirectoryIsLookedThrough(t *testing.T) {
	long := strings.Repeat("long/name", 30)
	longStem := stem(long)
	if len(longStem) != 238 {
		t.Errorf("a long name is %d bytes long on disk", len(longStem))
	}
	dir := lay(t, map[string]string{
		"prelude.json":                        `{"ServerVersion":"7.0"}`,
		"oplog.bson":                          "",
		"shop/orders.bson":                    "",
		"shop/orders.metadata.json":           `{"options":{},"indexes":[{"v":2,"key":{"_id":1},"name":"_id_"}],"uuid":"x","collectionName":"orders"}`,
		"shop/with%2Fslash.bson":              "",
		"shop/old.bson.gz":                    "",
		"shop/old.metadata.json.gz":           `{ "indexes" : [ { "v" : 1, "key" : { "_id" : 1 }, "name" : "_id_", "ns" : "shop.old" } ] }`,
		"shop/seen.metadata.json":             `{"options":{"viewOn":"orders","pipeline":[]},"indexes":[]}`,
		"shop/hot.metadata.json":              `{"options":{"timeseries":{"timeField":"t"}},"indexes":[],"type":"timeseries"}`,
		"shop/system.buckets.hot.bson":        "",
		"shop/$admin.system.users.bson":       "",
		"shop/" + longStem + ".bson":          "",
		"shop/" + longStem + ".metadata.json": `{"indexes":[],"collectionName":"` + long + `"}`,
		"other/a.bson":                        "",
	})
	dump, err := Open(dir)
	if err != nil || !dump.Oplog {
		t.Fatal(err, dump)
	}
	want := strings.Join([]string{
		"other.a collection a.bson",
		"shop.hot timeseries -",
		"shop." + long + " collection " + longStem + ".bson",
		"shop.old collection old.bson.gz",
		"shop.orders collection orders.bson",
		"shop.seen view -",
		"shop.with/slash collection with%2Fslash.bson",
	}, "\n")
	if got := describe(dump); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !slices.Equal(dump.Databases(), []string{"other", "shop"}) {
		t.Errorf("databases %v", dump.Databases())
	}
	one, err := Open(filepath.Join(dir, "other"))
	if err != nil || describe(one) != "other.a collection a.bson" {
		t.Errorf("the directory of a database: %v, %v", one, err)
	}
	for collection, want := range map[string]string{"orders": "shop/orders.bson", "with/slash": "shop/with%2Fslash.bson", long: "shop/" + longStem + ".bson"} {
		if got := DocumentsFile("shop", collection, false); got != want {
			t.Errorf("%s is written to %s", collection, got)
		}
	}
}

// A directory that may be entered and not listed is no reason to refuse what lies in it.
func TestTheDirectoryAboveMayNotBeListed(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may list everything")
	}
	dir := lay(t, map[string]string{"shop/a.bson": ""})
	if err := os.Chmod(dir, 0o100); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if _, err := Open(filepath.Join(dir, "shop")); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoDump(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"not complete":   {map[string]string{"shop/a.bson": "", ".vida-dump-plan-step/x/orders%2F00001": "a part"}, "it is not complete"},
		"empty":          {map[string]string{"readme.txt": ""}, "there is no dump in this directory"},
		"both":           {map[string]string{"shop/a.bson": "", "shop/a.bson.gz": ""}, "a.bson and a.bson.gz: remove the one"},
		"only an oplog":  {map[string]string{"oplog.bson": ""}, "there is no dump"},
		"a name":         {map[string]string{"shop/a%zz.bson": ""}, "not that of a collection"},
		"not compressed": {map[string]string{"shop/a.metadata.json.gz.gz": "{}"}, "there is no dump"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(lay(t, test.files))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	dir := lay(t, map[string]string{"shop/a.bson": "", ".vida-dump-plan-step/x/b": ""})
	if _, err := Open(filepath.Join(dir, "shop")); err == nil || !strings.Contains(err.Error(), "it is not complete") {
		t.Errorf("a database of a dump that is not complete: %v", err)
	}
}

// Metadata that cannot be read is a matter of who wants that collection.
func TestMetadataThatCannotBeRead(t *testing.T) {
	dir := lay(t, map[string]string{
		"shop/brace.metadata.json":    "{",
		"shop/cut.metadata.json":      `{"options":{},"indexes":[],"of a later version":{"a":1`,
		"shop/index.metadata.json":    `{"indexes":[{"name":"x"}]}`,
		"shop/empty.metadata.json":    "",
		"shop/empty.bson":             "",
		"shop/plain.metadata.json.gz": "",
		"shop/copied.bson":            "",
		"shop/copied.metadata.json":   `{"indexes":[],"collectionName":"fine"}`,
		"shop/as-data.bson":           "",
		"shop/as-data.metadata.json":  `{"options":{},"indexes":[],"type":"view"}`,
		"shop/of-later.metadata.json": `{"options":{},"indexes":[],"of a later version":{"a":1}}`,
		"shop/fine.bson":              "",
		"shop/fine.metadata.json":     `{"indexes":[]}`,
	})
	if err := os.WriteFile(filepath.Join(dir, "shop", "plain.metadata.json.gz"), []byte("plain"), 0o600); err != nil {
		t.Fatal(err)
	}
	dump, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"brace": "no JSON", "cut": "no JSON", "index": "its index 1 has no key", "empty": "", "plain": "is not a gzip file",
		"copied": "", "as-data": "", "of-later": "", "fine": "",
	}
	for _, c := range dump.Collections {
		says, known := want[c.Name]
		delete(want, c.Name)
		if !known || (c.Problem == nil) != (says == "") || c.Problem != nil && !strings.Contains(c.Problem.Error(), says) || c.Type != TypeCollection {
			t.Errorf("%s: %s, %v, want %q", c.Name, c.Type, c.Problem, says)
		}
		if c.Problem != nil && !strings.Contains(c.Problem.Error(), filepath.Join(dir, "shop", c.Name)) {
			t.Errorf("does not name the file: %v", c.Problem)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// Wherever a compressed file is cut off, it does not pass for a whole one.
func TestACompressedFileThatIsCutOff(t *testing.T) {
	var content []byte
	for n := range 3 { // as parts come after each other
		packed, err := Compressed([]byte(bytesOf(t, numberedDocument("orders", n)) + bytesOf(t, numberedDocument("orders", 10+n))))
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, packed...)
	}
	c := Collection{Database: "shop", Name: "orders", File: filepath.Join(t.TempDir(), "file"), Gzip: true}
	whole := 0
	for length := range len(content) + 1 {
		if err := os.WriteFile(c.File, content[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(t, func(at Position) (*Reader, error) { return ReadDocuments(c, at) }, false, all)
		if err != nil {
			continue
		}
		if whole++; len(got["shop.orders"]) != 2*whole {
			t.Errorf("cut off at byte %d of %d it passes with %d documents", length, len(content), len(got["shop.orders"]))
		}
	}
	if whole != 3 { // the members that mongodump would have written as one
		t.Errorf("%d lengths pass", whole)
	}
}

func TestMetadataComesBack(t *testing.T) {
	options, err := bson.Marshal(bson.D{{Key: "validator", Value: bson.D{{Key: "n", Value: bson.D{{Key: "$gt", Value: int64(3)}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	index, err := bson.Marshal(bson.D{{Key: "v", Value: int32(2)}, {Key: "key", Value: bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: -1.0}}}, {Key: "name", Value: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Metadata{Collection: "orders", Type: "collection", Options: options, Indexes: []bson.Raw{index}}
	text, err := want.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseMetadata(text)
	if err != nil || got.Collection != "orders" || got.Type != "collection" || string(got.Options) != string(options) || len(got.Indexes) != 1 || string(got.Indexes[0]) != string(index) {
		t.Errorf("got %+v, %v of %s", got, err, text)
	}
	text, err = Metadata{Collection: "plain"}.JSON()
	if want := `{"options":{},"indexes":[],"collectionName":"plain"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"options":{"capped":true,"size":{"$numberLong":"4096"}},"indexes":[{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"}],"uuid":"9","collectionName":"c","type":"collection"}`))
	f.Add([]byte(`{ "indexes" : [ { "v" : 1, "key" : { "_id" : 1 }, "ns" : "a.b", "name" : "_id_" } ] }`))
	f.Add([]byte(`{"options":{},"indexes":[],"of a later version":{"a":1`))
	f.Fuzz(func(t *testing.T, text []byte) {
		metadata, err := ParseMetadata(text)
		if err != nil {
			return
		}
		again, err := metadata.JSON()
		if err != nil {
			return // a name that is no UTF-8
		}
		other, err := ParseMetadata(again)
		if err != nil || len(other.Indexes) != len(metadata.Indexes) || other.Collection != metadata.Collection {
			t.Errorf("%s came back as %s: %v", text, again, err)
		}
	})
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(bytesOf(f, numberedDocument("a", 1)) + bytesOf(f, numberedDocument("a", 2))))
	f.Add([]byte{5, 0, 0, 0, 0})
	f.Add([]byte("\x05\x00\x00\x00\x00\xff\xff\xff\xff\x05\x00\x00\x00\x00")) // what stands between segments of an archive
	f.Fuzz(func(t *testing.T, content []byte) {
		c := Collection{Database: "d", Name: "c", File: written(t, content)}
		open := func(at Position) (*Reader, error) { return ReadDocuments(c, at) }
		once, err := readAll(t, open, false, all)
		if err == nil && strings.Join(once["d.c"], "") != string(content) {
			t.Errorf("of %x these are the documents: %x", content, once)
		}
		again, failed := readAll(t, open, true, all)
		if (err == nil) != (failed == nil) || !slices.Equal(once["d.c"], again["d.c"]) {
			t.Errorf("at once: %x, %v; in parts: %x, %v", once, err, again, failed)
		}
	})
}
