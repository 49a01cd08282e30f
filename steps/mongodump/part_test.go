package mongodump

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// writePart writes documents to a part that is given up at random and opened again as it was when it was safe, as after
// a kill.
func writePart(t *testing.T, random *rand.Rand, path string, documents []string, gzip, framed bool) Written {
	t.Helper()
	open := func(at Written) *Part {
		form := PartForm{Gzip: gzip}
		if framed {
			form.Segment = &Place{"shop", "orders"}
		}
		part, err := OpenPart(path, at, form)
		if err != nil {
			t.Fatal(err)
		}
		return part
	}
	safe, done := Written{}, 0
	part := open(safe)
	for next := 0; next < len(documents); {
		some := documents[next:min(next+1+random.IntN(5), len(documents))]
		var raw []bson.Raw
		for _, document := range some {
			raw = append(raw, bson.Raw(document))
		}
		if err := part.Append(raw); err != nil {
			t.Fatal(err)
		}
		next += len(some)
		switch random.IntN(4) {
		case 0:
			var err error
			if safe, err = part.Sync(); err != nil {
				t.Fatal(err)
			}
			done = next
		case 1: // killed: what is in buffers may be in the file, in part
			if random.IntN(2) == 0 {
				if err := errors.Join(part.buffer.Flush(), part.Close()); err != nil {
					t.Fatal(err)
				}
			} else {
				_ = part.Close()
			}
			part, next = open(safe), done
		}
	}
	safe, err := part.End()
	if err = errors.Join(err, part.Close()); err != nil {
		t.Fatal(err)
	}
	return safe
}

var errKilled = errors.New("killed")

// A file is put together of parts, given up at every step and gone on with, and holds each document once.
func TestPartsAreAssembled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for _, test := range []struct {
		name           string
		gzip, archived bool
	}{{"documents", false, false}, {"documents, compressed", true, false}, {"archive", false, true}, {"archive, compressed", true, true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			piece := func(content []byte, err error) Piece {
				if err == nil && test.gzip {
					content, err = Compressed(content)
				}
				if err != nil {
					t.Fatal(err)
				}
				return Piece{Bytes: content, Size: int64(len(content))}
			}
			var pieces []Piece
			if test.archived {
				pieces = append(pieces, piece(Prelude("7.0.0", "vida", []ArchivedCollection{{Database: "shop", Collection: "orders"}})))
			}
			var want []string
			var crc uint64
			for n := range 6 {
				var documents []string
				for i := range random.IntN(60) * min(n, 1) { // the first one is empty
					documents = append(documents, bytesOf(t, numberedDocument("orders", 1000*n+i)))
				}
				name := PartFile("orders/" + strings.Repeat("0", n))
				at := writePart(t, random, filepath.Join(dir, name), documents, test.gzip, test.archived)
				want = append(want, documents...)
				crc = CombineCRC(crc, at.CRC, at.Bytes)
				if at.Size > 0 {
					pieces = append(pieces, Piece{Part: name, Size: at.Size})
				}
			}
			if test.archived {
				pieces = append(pieces, piece(CollectionEnd(Place{"shop", "orders"}, crc)))
			}
			below := t.TempDir()
			long := strings.Repeat("ж", 60) // whose names on disk are as long as they can be
			assembly := Assembly{Path: DocumentsFile("", long, true), Pieces: pieces, Beside: MetadataFile("", long, true), Metadata: []byte("{}")}
			target, about := filepath.Join(below, assembly.Path), filepath.Join(below, assembly.Beside)
			safe := Assembled{}
			for step := 0; ; step++ { // at each step killed before it is saved, or after
				saves := 0
				err := assembly.Run(context.Background(), below, dir, safe, func(at Assembled) error {
					if _, err := os.Stat(target); err == nil {
						t.Error("the file is there before it is whole")
					}
					if saves++; saves > 1 || step%2 == 0 {
						return errKilled
					}
					safe = at
					return nil
				})
				if err == nil {
					break
				}
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
			}
			// The rename was done, and nobody heard of it.
			safe = Assembled{Pieces: len(pieces)}
			for _, p := range pieces {
				safe.Size += p.Size
			}
			if err := errors.Join(os.Remove(about), assembly.Run(context.Background(), below, dir, safe, nil)); err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(about); err != nil || string(text) != "{}" {
				t.Errorf("got %q, %v", text, err)
			}
			open := func(at Position) (*Reader, error) {
				return ReadDocuments(Collection{Database: "shop", Name: "orders", File: target, Gzip: test.gzip}, at)
			}
			if test.archived {
				open = func(at Position) (*Reader, error) { return ReadArchive(target, at) }
			}
			got, err := readAll(t, open, true, all)
			if err != nil || !slices.Equal(got["shop.orders"], want) {
				t.Errorf("%d documents, %v; want %d", len(got["shop.orders"]), err, len(want))
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range left {
				if left, err := entry.Info(); err != nil || left.Size() > 0 {
					t.Errorf("%s is left, %v", entry.Name(), err)
				}
			}
		})
	}
}

func TestAPartThatSomebodyChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "part")
	at := writePart(t, rand.New(rand.NewPCG(1, 1)), path, []string{bytesOf(t, numberedDocument("a", 1))}, false, false)
	if err := os.Truncate(path, at.Size-1); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPart(path, at, PartForm{}); err == nil || !strings.Contains(err.Error(), "--restart") {
		t.Errorf("got %v", err)
	}
	run := func(a Assembly, at Assembled) error {
		return a.Run(context.Background(), t.TempDir(), filepath.Dir(path), at, func(Assembled) error { return nil })
	}
	for name, err := range map[string]error{
		"a part is shorter":   run(Assembly{Path: "a", Pieces: []Piece{{Part: "part", Size: at.Size}}}, Assembled{}),
		"a part is longer":    run(Assembly{Path: "b", Pieces: []Piece{{Part: "part", Size: at.Size - 2}}}, Assembled{}),
		"a part is gone":      run(Assembly{Path: "c", Pieces: []Piece{{Part: "other", Size: 1}}}, Assembled{}),
		"the whole is gone":   run(Assembly{Path: "d", Pieces: []Piece{{Part: "part", Size: 10}}}, Assembled{Pieces: 1, Size: 10}),
		"the whole is short":  run(Assembly{Path: "e", Pieces: []Piece{{Part: "part", Size: 10}, {Part: "part", Size: 10}}}, Assembled{Pieces: 1, Size: 10}),
		"the parts were gone": Assembly{Path: "f"}.Run(context.Background(), t.TempDir(), filepath.Join(path, "nowhere"), Assembled{}, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "--restart") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What was compressed in several members is not unpacked from its beginning to go on in the middle.
func TestGoingOnBeginsAtAMember(t *testing.T) {
	var content []byte
	var begins []Member
	unpacked := int64(0)
	for n := range 5 {
		begins = append(begins, Member{Packed: int64(len(content)), Unpacked: unpacked})
		var text string
		for i := range 10 {
			text += bytesOf(t, numberedDocument("orders", 10*n+i))
		}
		packed, err := Compressed([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		content, unpacked = append(content, packed...), unpacked+int64(len(text))
	}
	c := Collection{Database: "shop", Name: "orders", File: written(t, content), Gzip: true}
	r, err := ReadDocuments(c, Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for read := 3; read <= 48; read += 3 {
		batch, err := r.Next(t.Context(), 3, 1<<20, all)
		if err != nil || len(batch.Documents) != 3 {
			t.Fatal(err, len(batch.Documents))
		}
		if got := *batch.Position.Member; got != begins[read/10] && got != begins[(read-1)/10] { // one ends there, or another begins
			t.Errorf("after %d documents: %+v, want %+v", read, got, begins[read/10])
		}
		on, err := ReadDocuments(c, batch.Position)
		if err != nil {
			t.Fatal(err)
		}
		next, err := on.Next(t.Context(), 1, 1<<20, all)
		if want := bytesOf(t, numberedDocument("orders", read)); err != nil || string(next.Documents[0]) != want {
			t.Errorf("after %d documents comes %x, %v", read, next.Documents, err)
		}
		_ = on.Close()
	}
}

func TestNothingIsWrittenOver(t *testing.T) {
	below := t.TempDir()
	path := filepath.Join(below, "whole")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := Assembly{Path: "whole", Pieces: []Piece{{Bytes: []byte("text"), Size: 5}}}
	err := a.Run(context.Background(), below, t.TempDir(), Assembled{}, func(Assembled) error { return nil })
	if text, _ := os.ReadFile(path); err == nil || !strings.Contains(err.Error(), "is there already") || string(text) != "mine" {
		t.Errorf("got %v, and the file is %q", err, text)
	}
	// It came while the file was put together.
	a.Path = "later"
	err = a.Run(context.Background(), below, t.TempDir(), Assembled{}, func(Assembled) error {
		return os.WriteFile(filepath.Join(below, "later"), []byte("mine"), 0o600)
	})
	if text, _ := os.ReadFile(filepath.Join(below, "later")); err == nil || string(text) != "mine" {
		t.Errorf("got %v, and the file is %q", err, text)
	}
}
