package mongodump

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// archive is one as mongodump writes it, put together by the specification and nothing of this package.
type archive struct {
	bytes.Buffer
	crc map[string]uint64
}

func newArchive(collections ...string) *archive {
	a := &archive{crc: map[string]uint64{}}
	a.Write([]byte{0x6d, 0xe2, 0x99, 0x81})
	a.document(bson.D{{Key: "concurrent_collections", Value: int32(4)}, {Key: "version", Value: "0.1"}, {Key: "server_version", Value: "7.0.2"}, {Key: "tool_version", Value: "100.9.4"}})
	for _, name := range collections {
		a.document(bson.D{{Key: "db", Value: "shop"}, {Key: "collection", Value: name},
			{Key: "metadata", Value: fmt.Sprintf(`{"options":{"capped":false},"indexes":[{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"},{"v":{"$numberInt":"2"},"key":{"n":{"$numberInt":"-1"}},"name":"n_-1"}],"uuid":"b4c8","collectionName":%q,"type":"collection"}`, name)},
			{Key: "size", Value: int32(0)}, {Key: "type", Value: "collection"}})
	}
	a.end()
	return a
}

func (a *archive) document(value any) []byte {
	document, err := bson.Marshal(value)
	if err != nil {
		panic(err)
	}
	a.Write(document)
	return document
}

func (a *archive) end() { a.Write([]byte{0xff, 0xff, 0xff, 0xff}) }

func (a *archive) header(name string, eof bool, crc uint64) {
	a.document(bson.D{{Key: "db", Value: "shop"}, {Key: "collection", Value: name}, {Key: "EOF", Value: eof}, {Key: "CRC", Value: int64(crc)}})
}

func (a *archive) segment(name string, from, below int) {
	a.header(name, false, 0)
	for n := from; n < below; n++ {
		a.crc[name] = crc64.Update(a.crc[name], crc64.MakeTable(crc64.ECMA), a.document(numberedDocument(name, n)))
	}
	a.end()
}

func (a *archive) eof(name string) {
	a.header(name, true, a.crc[name])
	a.end()
}

func numberedDocument(name string, n int) bson.D {
	return bson.D{{Key: "_id", Value: fmt.Sprintf("%s-%04d", name, n)}, {Key: "n", Value: int32(n)}, {Key: "text", Value: strings.Repeat("x", n%40)}}
}

func bytesOf(t testing.TB, value any) string {
	t.Helper()
	document, err := bson.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func (a *archive) file(t testing.TB, packed bool) string {
	t.Helper()
	content := a.Bytes()
	if packed {
		var err error
		if content, err = Compressed(content); err != nil {
			t.Fatal(err)
		}
	}
	return written(t, content)
}

func written(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func all(Place) bool { return true }

// readAll reads to the end and opens anew after each batch where again is true, as a step does that goes on.
func readAll(t testing.TB, open func(Position) (*Reader, error), again bool, wanted func(Place) bool) (map[string][]string, error) {
	t.Helper()
	got := map[string][]string{}
	var at Position
	r, err := open(at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	for {
		batch, err := r.Next(context.Background(), 7, 500, wanted)
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if len(batch.Documents) == 0 || len(batch.Documents) > 7 || batch.Bytes > 500 && len(batch.Documents) > 1 {
			t.Fatalf("a batch of %d documents, %d bytes", len(batch.Documents), batch.Bytes)
		}
		for _, document := range batch.Documents {
			got[batch.Place.String()] = append(got[batch.Place.String()], string(document))
		}
		if again {
			text, err := json.Marshal(batch.Position)
			if err != nil {
				t.Fatal(err)
			}
			at = Position{}
			if err := json.Unmarshal(text, &at); err != nil {
				t.Fatal(err)
			}
			_ = r.Close()
			if r, err = open(at); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func interleaved() *archive {
	a := newArchive("orders", "empty", "parts.of", "skipped")
	a.segment("orders", 0, 30)
	a.segment("skipped", 0, 20)
	a.segment("parts.of", 0, 11)
	a.segment("orders", 30, 45)
	a.eof("empty")
	a.eof("parts.of")
	a.segment("orders", 45, 46)
	a.eof("orders")
	a.eof("skipped")
	return a
}

// An archive of mongodump is read whole, and from every place where a batch ended.
func TestAnArchiveIsRead(t *testing.T) {
	for _, packed := range []bool{false, true} {
		path := interleaved().file(t, packed)
		for _, again := range []bool{false, true} {
			got, err := readAll(t, func(at Position) (*Reader, error) { return ReadArchive(path, at) }, again, func(p Place) bool { return p.Collection != "skipped" })
			if err != nil {
				t.Fatal(err)
			}
			for name, many := range map[string]int{"orders": 46, "parts.of": 11} {
				var want []string
				for n := range many {
					want = append(want, bytesOf(t, numberedDocument(name, n)))
				}
				if !slices.Equal(got["shop."+name], want) {
					t.Errorf("packed %v, again %v: %d documents of %s, want %d, in their order", packed, again, len(got["shop."+name]), name, many)
				}
			}
			if len(got) != 2 {
				t.Errorf("read of %d collections", len(got))
			}
		}
		dump, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range dump.Collections {
			names = append(names, c.Database+"."+c.Name+" "+c.Type)
			if len(c.Metadata.Indexes) != 2 || c.Metadata.Indexes[1].Lookup("name").StringValue() != "n_-1" {
				t.Errorf("the indexes of %s are %v", c.Name, c.Metadata.Indexes)
			}
		}
		if want := "shop.empty collection, shop.orders collection, shop.parts.of collection, shop.skipped collection"; strings.Join(names, ", ") != want {
			t.Errorf("got %s", names)
		}
		if !dump.Archive || dump.Gzip != packed || !slices.Equal(dump.Databases(), []string{"shop"}) {
			t.Errorf("got %+v", dump)
		}
	}
}

// Wherever an archive is cut off, it does not pass for a whole one.
func TestAnArchiveThatIsCutOff(t *testing.T) {
	a := newArchive("orders", "more")
	a.segment("orders", 0, 3)
	a.segment("more", 0, 1)
	a.segment("orders", 3, 4)
	a.eof("orders")
	a.eof("more")
	path := filepath.Join(t.TempDir(), "file")
	for length := range a.Len() {
		if err := os.WriteFile(path, a.Bytes()[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(t, func(at Position) (*Reader, error) { return ReadArchive(path, at) }, false, all); err == nil {
			t.Fatalf("cut off at byte %d of %d it passes", length, a.Len())
		}
	}
}

func TestADamagedArchiveIsNotTakenForOne(t *testing.T) {
	flipped := interleaved()
	at := bytes.Index(flipped.Bytes(), []byte("orders-0031"))
	flipped.Bytes()[at+10]++
	afterEnd := newArchive("orders")
	afterEnd.segment("orders", 0, 1)
	afterEnd.eof("orders")
	afterEnd.segment("orders", 1, 2)
	lost := newArchive("orders", "lost")
	lost.eof("orders")
	headless := newArchive("orders")
	headless.end()
	version := newArchive()
	version.Reset()
	version.Write([]byte{0x6d, 0xe2, 0x99, 0x81})
	version.document(bson.D{{Key: "version", Value: "9"}})
	version.end()
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"a byte flipped":         {flipped.Bytes(), "the documents of shop.orders are not those that were dumped"},
		"goes on after its end":  {afterEnd.Bytes(), "shop.orders goes on after its end"},
		"a collection is lost":   {lost.Bytes(), "without the documents of shop.lost"},
		"no header":              {headless.Bytes(), "a segment without a header"},
		"another version":        {version.Bytes(), `version "9"`},
		"something else":         {[]byte("#!/bin/sh\n"), "not an archive of mongodump"},
		"nothing":                {nil, "not an archive of mongodump"},
		"a gzip file of nothing": {[]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff}, "the file ends inside of a document"},
	} {
		t.Run(name, func(t *testing.T) {
			path := written(t, test.content)
			_, err := readAll(t, func(at Position) (*Reader, error) { return ReadArchive(path, at) }, false, all)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestCombinedCRC(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		content := make([]byte, random.IntN(3000))
		for n := range content {
			content[n] = byte(random.Uint32())
		}
		at := random.IntN(len(content) + 1)
		got := CombineCRC(sum(0, content[:at]), sum(0, content[at:]), int64(len(content)-at))
		if want := sum(0, content); got != want {
			t.Fatalf("%d + %d bytes: %016x, want %016x", at, len(content)-at, got, want)
		}
	}
}

// What is written by this package is what the specification says.
func TestAnArchiveIsWritten(t *testing.T) {
	want := newArchive("orders")
	want.segment("orders", 0, 5)
	want.eof("orders")

	archived := ArchivedCollection{Database: "shop", Collection: "orders", Type: "collection"}
	archived.Metadata = `{"options":{"capped":false},"indexes":[{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"},{"v":{"$numberInt":"2"},"key":{"n":{"$numberInt":"-1"}},"name":"n_-1"}],"uuid":"b4c8","collectionName":"orders","type":"collection"}`
	got, err := Prelude("7.0.2", "100.9.4", []ArchivedCollection{archived})
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(want.Bytes()[4+4+1+len("concurrent_collections")+1:], 1)
	head, err := segmentStart(Place{"shop", "orders"})
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, head...)
	var crc uint64
	for n := range 5 {
		document := bytesOf(t, numberedDocument("orders", n))
		crc = sum(crc, []byte(document))
		got = append(got, document...)
	}
	got = append(got, terminatorBytes...)
	tail, err := CollectionEnd(Place{"shop", "orders"}, crc)
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, tail...); !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got  %x\nwant %x", got, want.Bytes())
	}
}

// mongorestore reads the version of the server as numbers.
func TestTheVersionOfAnArchive(t *testing.T) {
	for version, want := range map[string]string{"7.0.77 (FerretDB v2.7.0)": "7.0.77", "8.0.4": "8.0.4", "7.0.0-rc1": "7.0.0", "": "0.0.0", "latest": "0.0.0"} {
		prelude, err := Prelude(version, "vida", nil)
		if got := bson.Raw(prelude[4 : len(prelude)-4]).Lookup("server_version").StringValue(); err != nil || got != want {
			t.Errorf("%q becomes %q, %v", version, got, err)
		}
	}
}

// What comes before a damage is handed out before it is told of.
func TestWhatComesBeforeADamage(t *testing.T) {
	var content []byte
	for n := range 10 {
		content = append(content, bytesOf(t, numberedDocument("orders", n))...)
	}
	c := Collection{Database: "shop", Name: "orders", File: written(t, content[:len(content)-1])}
	r, err := ReadDocuments(c, Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	batch, err := r.Next(t.Context(), 100, 1<<20, all)
	if err != nil || len(batch.Documents) != 9 {
		t.Errorf("%d documents, %v", len(batch.Documents), err)
	}
	for range 2 {
		if _, err := r.Next(t.Context(), 100, 1<<20, all); err == nil || !strings.Contains(err.Error(), "ends inside of a document") {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(interleaved().Bytes())
	small := newArchive("orders")
	small.segment("orders", 0, 2)
	small.eof("orders")
	f.Add(small.Bytes())
	packed, err := Compressed(small.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, content []byte) {
		path := written(t, content)
		open := func(at Position) (*Reader, error) { return ReadArchive(path, at) }
		once, err := readAll(t, open, false, all)
		// What can be read can be read in parts, and what cannot be read cannot.
		again, failed := readAll(t, open, true, all)
		if (err == nil) != (failed == nil) {
			t.Fatalf("at once: %v; in parts: %v", err, failed)
		}
		for name, documents := range once {
			if !slices.Equal(documents, again[name]) {
				t.Errorf("%s: %d documents at once, %d in parts", name, len(documents), len(again[name]))
			}
		}
	})
}
