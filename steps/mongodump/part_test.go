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
				part.Close()
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
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
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
				path := filepath.Join(dir, PartFile("orders/"+strings.Repeat("0", n)))
				at := writePart(t, random, path, documents, test.gzip, test.archived)
				want = append(want, documents...)
				crc = CombineCRC(crc, at.CRC, at.Bytes)
				if at.Size > 0 {
					pieces = append(pieces, Piece{Part: path, Size: at.Size})
				}
			}
			if test.archived {
				pieces = append(pieces, piece(CollectionEnd(Place{"shop", "orders"}, crc)))
			}
			target := filepath.Join(dir, "whole")
			safe := Assembled{}
			for step := 0; ; step++ { // at each step killed before it is saved, or after
				saves := 0
				err := Assemble(context.Background(), target, pieces, safe, func(at Assembled) error {
					if _, err := os.Stat(target); err == nil && at.Pieces < len(pieces) {
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
			if err := Assemble(context.Background(), target, pieces, safe, func(Assembled) error { return nil }); err != nil {
				t.Fatal(err)
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
				if about, err := entry.Info(); err != nil || about.Size() > 0 && entry.Name() != "whole" {
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
	err := Assemble(context.Background(), path+".whole", []Piece{{Part: path, Size: at.Size}}, Assembled{}, func(Assembled) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("got %v", err)
	}
	err = Assemble(context.Background(), path+".whole", nil, Assembled{Size: 1 << 20}, func(Assembled) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "--restart") {
		t.Errorf("got %v", err)
	}
}

func TestAFileIsThereWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := WriteFile(filepath.Join(path, "below"), nil); err == nil {
		t.Error("below a file there is no file")
	}
	if there, err := IsThere(path + ".partial"); there || err != nil {
		t.Errorf("something is left: %v, %v", there, err)
	}
}
