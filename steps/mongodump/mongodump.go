// Package mongodump is what mongodump writes and mongorestore reads: a directory with a file of documents and one of
// metadata for each collection, or one archive with all of them. Both may be compressed by gzip. It knows files and
// bytes, and no server.
//
// Source: the directory format is told by the manual of mongodump, the archive format by common/archive/spec.md of
// mongo-tools.
package mongodump

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

const (
	documentsSuffix = ".bson"
	metadataSuffix  = ".metadata.json"
	gzipSuffix      = ".gz"
	// bucketsPrefix is of the collection that holds a time series' documents.
	bucketsPrefix = "system.buckets."
)

// The types of a collection. A view has no documents of its own, and those of a time series cannot be inserted as they
// lie in a dump.
const (
	TypeCollection = "collection"
	typeView       = "view"
	typeTimeSeries = "timeseries"
)

// Dump is a dump that lies on disk.
type Dump struct {
	Path        string
	Archive     bool         // one file instead of a directory
	Gzip        bool         // the archive is compressed
	Oplog       bool         // it has what was written while it was made
	Collections []Collection // by database and name
}

// Collection is a collection of a dump.
type Collection struct {
	Database string
	Name     string
	Type     string // collection, view or timeseries
	Metadata Metadata
	Problem  error // why the metadata cannot be read

	// Of a directory: the file of documents, "" where there is none.
	File string
	Gzip bool
}

// Databases are those that the dump has collections of, in order.
func (d *Dump) Databases() []string {
	var names []string
	for _, c := range d.Collections {
		names = append(names, c.Database)
	}
	return slices.Compact(names)
}

// Open looks at what there is in a dump. It reads metadata and no documents.
func Open(path string) (*Dump, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	dump := &Dump{Path: path, Archive: !about.IsDir()}
	if dump.Archive {
		err = dump.readPrelude()
	} else {
		err = dump.readDirectory()
	}
	if err != nil {
		return nil, fmt.Errorf("the dump %s: %w", path, err)
	}
	slices.SortFunc(dump.Collections, func(a, b Collection) int {
		if a.Database != b.Database {
			return strings.Compare(a.Database, b.Database)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return dump, nil
}

func (d *Dump) readPrelude() error {
	stream, err := openStream(d.Path, unknown)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	d.Gzip = stream.members != nil
	prelude, err := stream.prelude()
	if err != nil {
		return err
	}
	for _, c := range prelude {
		d.Oplog = d.Oplog || c.Database == "" && c.Collection == oplog
		if c.Database != "" && !beyond(c.Collection) {
			d.Collections = append(d.Collections, c.collection())
		}
	}
	return nil
}

// collection is what the prelude of an archive says of one.
func (c ArchivedCollection) collection() Collection {
	collection := Collection{Database: c.Database, Name: c.Collection}
	if c.Metadata != "" {
		var err error
		if collection.Metadata, err = ParseMetadata([]byte(c.Metadata)); err != nil {
			collection.Problem = fmt.Errorf("the metadata of %s.%s in the archive: %w", c.Database, c.Collection, err)
		}
	}
	collection.Type = collection.Metadata.kind()
	return collection
}

// kind says what a collection is. A view that was dumped as a collection still calls itself a view.
func (m Metadata) kind() string {
	switch {
	case m.option("viewOn"):
		return typeView
	case m.option("timeseries"):
		return typeTimeSeries
	}
	return TypeCollection
}

// readDirectory finds the collections below a directory of databases, or in one of a single database.
func (d *Dump) readDirectory() error {
	absolute, err := filepath.Abs(d.Path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	if err := finished(d.Path, entries); err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.TrimSuffix(entry.Name(), gzipSuffix) == oplog+documentsSuffix {
			d.Oplog = true
		}
		if !entry.IsDir() {
			continue
		}
		found, err := readDatabase(filepath.Join(d.Path, entry.Name()), entry.Name())
		if err != nil {
			return err
		}
		d.Collections = append(d.Collections, found...)
	}
	if len(d.Collections) > 0 {
		return nil
	}
	if above, err := os.ReadDir(filepath.Dir(absolute)); err == nil { // who may not list it cannot dump to it
		if err := finished(filepath.Dir(absolute), above); err != nil {
			return err
		}
	}
	if d.Collections, err = readDatabase(d.Path, filepath.Base(absolute)); err != nil {
		return err
	}
	if len(d.Collections) == 0 {
		return errors.New("there is no dump in this directory: it has neither files that end in .bson nor directories that have some")
	}
	return nil
}

// finished is an error where a dump is being made in a directory.
func finished(path string, entries []os.DirEntry) error {
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), directoryWorkshop) {
			return fmt.Errorf("it is not complete: a step that dumps to it is at work, or was interrupted; let it go on, or remove %s", filepath.Join(path, entry.Name()))
		}
	}
	return nil
}

// readDatabase lists the collections of a directory.
func readDatabase(path, database string) ([]Collection, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	byStem := map[string]*Collection{}
	var stems []string
	at := func(stem string) *Collection {
		if byStem[stem] == nil {
			byStem[stem] = &Collection{Database: database}
			stems = append(stems, stem)
		}
		return byStem[stem]
	}
	for _, entry := range entries {
		plain, compressed := strings.CutSuffix(entry.Name(), gzipSuffix)
		file := filepath.Join(path, entry.Name())
		if entry.IsDir() {
			continue
		}
		if stem, ok := strings.CutSuffix(plain, metadataSuffix); ok {
			c := at(stem)
			if c.Metadata, err = readMetadata(file, compressed); err != nil {
				c.Problem = fmt.Errorf("the metadata in %s: %w", file, err)
			}
		} else if stem, ok := strings.CutSuffix(plain, documentsSuffix); ok && stem != oplog {
			c := at(stem)
			if c.File != "" {
				return nil, fmt.Errorf("there are both %s and %s: remove the one that is not meant", c.File, entry.Name())
			}
			c.File, c.Gzip = file, compressed
		}
	}
	var list []Collection
	for _, stem := range stems {
		c := *byStem[stem]
		if c.Name, err = c.nameOf(stem); err != nil {
			return nil, err
		}
		c.Type = c.Metadata.kind()
		if !beyond(c.Name) {
			list = append(list, c)
		}
	}
	return list, nil
}

// nameOf is the collection whose files are called so. A name that was too long for a file stands in the metadata; that
// of another file may have been copied with it.
func (c Collection) nameOf(stem string) (string, error) {
	if len(stem) == longestStem && strings.Contains(stem, hashMark) && c.Metadata.Collection != "" {
		return c.Metadata.Collection, nil
	}
	name, err := url.PathUnescape(stem)
	if err != nil {
		return "", fmt.Errorf("%s: its name is not that of a collection: %w", filepath.Join(c.Database, stem+documentsSuffix), err)
	}
	return name, nil
}

func readMetadata(file string, compressed bool) (Metadata, error) {
	text, err := readSmall(file, compressed)
	if err != nil || len(text) == 0 {
		return Metadata{}, err
	}
	return ParseMetadata(text)
}

// oplog is the file of what was written while the dump was made. It belongs to no database.
const oplog = "oplog"

// beyond tells of a name that it is of no collection of users: of what belongs to a time series, or of users and roles.
func beyond(name string) bool {
	return strings.HasPrefix(name, bucketsPrefix) || strings.HasPrefix(name, "$")
}

// The longest name of a file is 255 bytes; what is added to a collection's takes up to 17.
const (
	longestStem = 238
	keptOfStem  = 208
	hashMark    = "%24"
)

// stem is what the files of a collection are called, without what says what is in them.
func stem(collection string) string {
	escaped := url.PathEscape(collection)
	if len(escaped) <= longestStem {
		return escaped
	}
	sum := sha1.Sum([]byte(collection)) // as mongodump does; the name stands whole in the metadata
	return escaped[:keptOfStem] + hashMark + base64.RawURLEncoding.EncodeToString(sum[:])
}

// PartFile is what a part is called that has a name of any length.
func PartFile(name string) string { return stem(name) }

// DocumentsFile and MetadataFile are the files of a collection, relative to the dump's directory.
func DocumentsFile(database, collection string, gzip bool) string {
	return file(database, collection, documentsSuffix, gzip)
}

// MetadataFile is the other one.
func MetadataFile(database, collection string, gzip bool) string {
	return file(database, collection, metadataSuffix, gzip)
}

func file(database, collection, suffix string, gzip bool) string {
	if gzip {
		suffix += gzipSuffix
	}
	return filepath.Join(database, stem(collection)+suffix)
}

// Metadata is what a dump has of a collection beside its documents.
type Metadata struct {
	Collection string     // its name, where told
	Type       string     // where told
	Options    bson.Raw   // as listCollections has them; nil for none
	Indexes    []bson.Raw // as listIndexes has them
}

// IDIndex is the index that every collection has, as a server lists it.
func IDIndex() bson.Raw {
	key := bsoncore.NewDocumentBuilder().AppendInt32("_id", 1).Build()
	return bson.Raw(bsoncore.NewDocumentBuilder().AppendInt32("v", 2).AppendDocument("key", key).AppendString("name", "_id_").Build())
}

// metadataJSON is its form on disk.
type metadataJSON struct {
	Options    bson.Raw   `bson:"options"`
	Indexes    []bson.Raw `bson:"indexes"`
	Collection string     `bson:"collectionName,omitempty"`
	Type       string     `bson:"type,omitempty"`
}

// ParseMetadata reads the extended JSON of a metadata file.
func ParseMetadata(text []byte) (Metadata, error) {
	var form metadataJSON
	if !json.Valid(text) { // which the driver's decoder does not see of all texts: of some it looks for an end for ever
		return Metadata{}, errors.New("this is no JSON")
	}
	if err := bson.UnmarshalExtJSON(text, false, &form); err != nil {
		return Metadata{}, err
	}
	if len(form.Options) > 0 {
		if err := form.Options.Validate(); err != nil {
			return Metadata{}, fmt.Errorf("its options: %w", err)
		}
	}
	for n, index := range form.Indexes {
		if _, err := index.LookupErr("key"); err != nil {
			return Metadata{}, fmt.Errorf("its index %d has no key", n+1)
		}
	}
	return Metadata{Collection: form.Collection, Type: form.Type, Options: form.Options, Indexes: form.Indexes}, nil
}

// JSON is the content of a metadata file.
func (m Metadata) JSON() ([]byte, error) {
	form := metadataJSON{Options: m.Options, Indexes: m.Indexes, Collection: m.Collection, Type: m.Type}
	if form.Options == nil {
		form.Options = emptyDocument
	}
	if form.Indexes == nil {
		form.Indexes = []bson.Raw{}
	}
	return bson.MarshalExtJSON(form, true, false)
}

var emptyDocument = bson.Raw{5, 0, 0, 0, 0}

func (m Metadata) option(name string) bool {
	if len(m.Options) == 0 {
		return false
	}
	_, err := m.Options.LookupErr(name)
	return err == nil
}
