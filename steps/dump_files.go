package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
	"vida/steps/mongodump"
)

// dumpedCollection is a collection of which all parts are there.
type dumpedCollection struct {
	from, to string
	parts    []dumpedPart // of those that have documents
	metadata mongodump.Metadata
}

// Next implements [Staged].
func (dump) Next(ctx context.Context, env Env, done []DoneUnit) ([]Unit, error) {
	var collections []*dumpedCollection
	var directory string // of parts
	for _, unit := range done {
		var spec dumpUnit
		if err := unit.work(&spec); err != nil {
			return nil, err
		}
		if spec.Assemble != nil {
			return nil, nil
		}
		var part dumpedPart
		if err := json.Unmarshal(unit.Result.Output, &part); err != nil {
			return nil, fmt.Errorf("unit %s: its stored outcome: %w", unit.ID, err)
		}
		at := slices.IndexFunc(collections, func(c *dumpedCollection) bool { return c.from == part.From })
		if at < 0 {
			at, collections = len(collections), append(collections, &dumpedCollection{from: part.From, to: part.To})
		}
		directory = part.Parts
		if part.Written.Size > 0 {
			collections[at].parts = append(collections[at].parts, part)
		}
	}
	slices.SortFunc(collections, func(a, b *dumpedCollection) int { return cmp.Compare(a.to, b.to) })

	spec := env.Step().Spec.(*plans.DumpSpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	if err := describe(ctx, env, reader, collections); err != nil {
		return nil, err
	}
	var files []*mongodump.Assembly
	if spec.Format == plans.FormatArchive {
		file, err := archiveOf(reader, collections, spec.Gzip)
		if err != nil {
			return nil, err
		}
		file.Path, files = filepath.Base(spec.Output), []*mongodump.Assembly{file}
	} else {
		for _, c := range collections {
			file, err := c.file(reader.Database(), spec.Gzip)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	var units []Unit
	for _, file := range files {
		if err := mongodump.MakeDirectory(filepath.Dir(filepath.Join(dumpedBelow(env.Plan(), spec), file.Path))); err != nil {
			return nil, err
		}
		body, err := json.Marshal(dumpUnit{copyUnit: copyUnit{Parts: directory}, Assemble: file})
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: filesPrefix + file.Path, Spec: body})
	}
	env.Log("info", fmt.Sprintf("all documents are read; puts their parts together, files: %d", len(files)))
	return units, nil
}

// filesPrefix begins the ids of units that put files together; no collection's name has a dollar sign.
const filesPrefix = "$files/"

// describe reads what the source has of the collections beside documents.
func describe(ctx context.Context, env Env, reader *endpoint.Reader, collections []*dumpedCollection) error {
	list, err := reader.ListCollections(ctx)
	if err != nil {
		return err
	}
	for _, c := range collections {
		var options bson.Raw
		for _, listed := range list {
			if listed.Name == c.from {
				options = bson.Raw(listed.Options)
			}
		}
		var notes []string
		if c.metadata, notes, err = metadata(ctx, reader, c.from, c.to, options); err != nil {
			return err
		}
		for _, note := range notes {
			env.Log("info", note)
		}
	}
	return nil
}

// file puts a collection's file of documents together, with its metadata beside it.
func (c *dumpedCollection) file(database string, gzip bool) (*mongodump.Assembly, error) {
	file := &mongodump.Assembly{
		Path:   mongodump.DocumentsFile(database, c.to, gzip),
		Beside: mongodump.MetadataFile(database, c.to, gzip),
		Pieces: c.pieces(),
	}
	var err error
	if file.Metadata, err = c.metadata.JSON(); err != nil || !gzip {
		return file, err
	}
	if file.Metadata, err = mongodump.Compressed(file.Metadata); err != nil {
		return file, err
	}
	if len(file.Pieces) == 0 { // a file of no bytes is not a gzip file
		file.Pieces, err = textPiece(nil, true)
	}
	return file, err
}

func (c *dumpedCollection) pieces() (pieces []mongodump.Piece) {
	for _, part := range c.parts {
		pieces = append(pieces, mongodump.Piece{Part: part.Part, Size: part.Written.Size})
	}
	return pieces
}

// textPiece is what stands between parts.
func textPiece(text []byte, gzip bool) ([]mongodump.Piece, error) {
	if gzip {
		var err error
		if text, err = mongodump.Compressed(text); err != nil {
			return nil, err
		}
	}
	return []mongodump.Piece{{Bytes: text, Size: int64(len(text))}}, nil
}

// archiveOf puts an archive of all collections together.
func archiveOf(reader *endpoint.Reader, collections []*dumpedCollection, gzip bool) (*mongodump.Assembly, error) {
	var archived []mongodump.ArchivedCollection
	for _, c := range collections {
		text, err := c.metadata.JSON()
		if err != nil {
			return nil, err
		}
		archived = append(archived, mongodump.ArchivedCollection{
			Database: reader.Database(), Collection: c.to, Metadata: string(text), Type: c.metadata.Type,
		})
	}
	prelude, err := mongodump.Prelude(reader.Server().Version, "vida", archived)
	if err != nil {
		return nil, err
	}
	pieces, err := textPiece(prelude, gzip)
	if err != nil {
		return nil, err
	}
	for _, c := range collections {
		var crc uint64
		for _, part := range c.parts {
			crc = mongodump.CombineCRC(crc, part.Written.CRC, part.Written.Bytes)
		}
		end, err := mongodump.CollectionEnd(mongodump.Place{Database: reader.Database(), Collection: c.to}, crc)
		if err != nil {
			return nil, err
		}
		ending, err := textPiece(end, gzip)
		if err != nil {
			return nil, err
		}
		pieces = append(append(pieces, c.pieces()...), ending...)
	}
	return &mongodump.Assembly{Pieces: pieces}, nil
}
