package mongodump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
)

// Position is how far documents of a dump were read: reading goes on there.
type Position struct {
	Offset int64   `json:"offset"`           // in unpacked bytes
	Member *Member `json:"member,omitempty"` // of a compressed file: where to unpack from
	Within *Place  `json:"within,omitempty"` // whose documents are being read; nil between the segments of an archive

	// Of an archive: the CRC of the documents so far of each collection that was begun, and the collections of which
	// all documents were read.
	Begun map[Place]uint64 `json:"begun,omitempty"`
	Ended []Place          `json:"ended,omitempty"`
}

// Place is a collection in an archive.
type Place struct{ Database, Collection string }

// MarshalText implements [encoding.TextMarshaler]. A database's name has no dot.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Place) UnmarshalText(text []byte) error {
	for n, b := range text {
		if b == '.' {
			p.Database, p.Collection = string(text[:n]), string(text[n+1:])
			return nil
		}
	}
	return fmt.Errorf("%q is not a collection of an archive", text)
}

func (p Place) String() string { return p.Database + "." + p.Collection }

// Batch is some documents of one collection.
type Batch struct {
	Place     Place
	Documents []bson.Raw // slices of memory of the batch's own
	Bytes     int64
	Position  Position // after them
}

// Reader reads the documents of a dump: those of a file, or all of an archive. Used by one goroutine.
type Reader struct {
	stream  *stream
	archive bool    // it has segments
	known   []Place // of the archive: the collections that have documents
	at      Position
	from    Position
	started bool
	failed  error // once what was read before it is handed out
	usual   int   // bytes of a batch, by the last one
}

// ReadDocuments reads the file of a collection from a position on; the zero Position is its beginning.
func ReadDocuments(c Collection, from Position) (*Reader, error) {
	s, err := openStream(c.File, packedIf(c.Gzip))
	if err != nil {
		return nil, err
	}
	return &Reader{stream: s, at: Position{Within: &Place{c.Database, c.Name}}, from: from}, nil
}

// ReadArchive reads an archive from a position on.
func ReadArchive(path string, from Position) (*Reader, error) {
	s, err := openStream(path, unknown)
	if err != nil {
		return nil, err
	}
	return &Reader{stream: s, archive: true, from: from}, nil
}

// Close implements [io.Closer].
func (r *Reader) Close() error { return r.stream.Close() }

// start goes to where reading goes on.
func (r *Reader) start(ctx context.Context) error {
	if r.archive {
		list, err := r.stream.prelude()
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.collection().Type == TypeCollection {
				r.known = append(r.known, Place{c.Database, c.Collection})
			}
		}
	}
	if r.from.Offset == 0 {
		r.at.Offset = r.stream.offset
		return nil
	}
	r.at = r.from.clone()
	return r.stream.skip(ctx, r.from)
}

func (p Position) clone() Position {
	p.Begun, p.Ended = maps.Clone(p.Begun), slices.Clone(p.Ended)
	return p
}

// Next returns the next documents, no more than most and, but for one that is larger, no more than bytes. wanted tells
// of each collection whether its documents are asked for. After the last one the error is io.EOF; what comes before a
// damage is returned before the error.
func (r *Reader) Next(ctx context.Context, most int, bytes int64, wanted func(Place) bool) (Batch, error) {
	if !r.started {
		if err := r.start(ctx); err != nil {
			return Batch{}, err
		}
		r.started = true
	}
	if r.failed != nil {
		return Batch{}, r.failed
	}
	var place Place
	var ends []int // of each document in memory, which moves while it grows
	memory := make([]byte, 0, r.usual)
	for {
		if err := ctx.Err(); err != nil {
			return Batch{}, err
		}
		if len(ends) > 0 {
			if r.at.Within == nil || *r.at.Within != place || len(ends) >= most {
				break
			}
			if length, err := r.stream.peekLength(); err == nil && int64(len(memory))+int64(length) > bytes {
				break
			}
		}
		before := r.at
		with, err := r.step(memory)
		switch {
		case err != nil && len(ends) > 0:
			r.at, r.failed = before, err // so that who goes on there meets it again
			return r.batch(place, memory, ends), nil
		case err != nil:
			return Batch{}, err
		case len(with) > len(memory) && wanted(*before.Within):
			place, memory = *before.Within, with
			ends = append(ends, len(memory))
		}
	}
	return r.batch(place, memory, ends), nil
}

func (r *Reader) batch(place Place, memory []byte, ends []int) Batch {
	batch := Batch{Place: place, Documents: make([]bson.Raw, len(ends)), Bytes: int64(len(memory)), Position: r.at.clone()}
	begin := 0
	for n, end := range ends {
		batch.Documents[n] = memory[begin:end:end]
		begin = end
	}
	if m := r.stream.members; m != nil {
		member := m.of(r.at.Offset)
		batch.Position.Member = &member
	}
	r.usual = len(memory) + len(memory)/8
	return batch
}

// step reads what comes next: a document, which is appended to memory, or what stands between segments.
func (r *Reader) step(memory []byte) (with []byte, err error) {
	with, end, err := r.stream.next(memory)
	if err != nil {
		if errors.Is(err, io.EOF) && r.archive {
			err = r.complete()
		}
		return memory, err
	}
	document := with[len(memory):]
	r.at.Offset = r.stream.offset
	switch inside := r.at.Within != nil; {
	case !inside && end:
		return memory, r.stream.damaged("a segment without a header", nil)
	case !inside:
		return memory, r.header(document)
	case end && !r.archive:
		return memory, r.stream.damaged("this is part of an archive, not a file of documents", nil)
	case end:
		r.at.Within = nil
		return memory, nil
	}
	if r.archive {
		r.at.Begun[*r.at.Within] = sum(r.at.Begun[*r.at.Within], document)
	}
	return with, nil
}

// header takes note of what a segment's header says.
func (r *Reader) header(document bson.Raw) error {
	var h segmentHeader
	if err := bson.Unmarshal(document, &h); err != nil || h.Collection == "" {
		return r.stream.damaged("the header of a segment does not name a collection", err)
	}
	place := Place{h.Database, h.Collection}
	if slices.Contains(r.at.Ended, place) {
		return r.stream.damaged(place.String()+" goes on after its end", nil)
	}
	if r.at.Begun == nil {
		r.at.Begun = map[Place]uint64{}
	}
	if !h.EOF {
		if _, known := r.at.Begun[place]; !known {
			r.at.Begun[place] = 0
		}
		r.at.Within = &place
		return nil
	}
	if crc := r.at.Begun[place]; crc != uint64(h.CRC) {
		return r.stream.damaged(fmt.Sprintf("the documents of %s are not those that were dumped: their CRC is %016x and should be %016x", place, crc, uint64(h.CRC)), nil)
	}
	delete(r.at.Begun, place)
	r.at.Ended = append(r.at.Ended, place)
	_, end, err := r.stream.next(nil)
	if err == nil && !end {
		return r.stream.damaged("documents of "+place.String()+" after its end", nil)
	}
	r.at.Offset = r.stream.offset
	return cutOff(err)
}

// complete tells at the end of an archive whether everything was there: io.EOF means yes.
func (r *Reader) complete() error {
	if r.at.Within != nil || len(r.at.Begun) > 0 {
		return r.stream.damaged("the archive ends in the middle", nil)
	}
	for _, place := range r.known {
		if !slices.Contains(r.at.Ended, place) {
			return r.stream.damaged("the archive ends without the documents of "+place.String(), nil)
		}
	}
	return io.EOF
}
