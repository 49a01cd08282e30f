package endpoint

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
)

var errNotYet = errors.New("not implemented")

// Reader looks at one database of one server.
type Reader struct {
	config Config
	info   ServerInfo
}

// Writer is a Reader that can also write.
type Writer struct {
	*Reader
}

// OpenReader connects, finds out what the server is, and checks that it answers.
func OpenReader(ctx context.Context, config Config) (*Reader, error) { return nil, errNotYet }

// OpenWriter is OpenReader for a connection that is written to.
func OpenWriter(ctx context.Context, config Config) (*Writer, error) { return nil, errNotYet }

// Close gives every connection back. It waits for nothing.
func (r *Reader) Close(ctx context.Context) error { return errNotYet }

// Name is the connection's name in the plan.
func (r *Reader) Name() string { return r.config.Name }

// Database is the database's name.
func (r *Reader) Database() string { return r.config.Database }

// Namespace is "database.collection".
func (r *Reader) Namespace(collection string) string { return r.config.Database + "." + collection }

// Server is what the server is.
func (r *Reader) Server() ServerInfo { return r.info }

// ListCollections lists the database's collections, views and time series, sorted by name.
func (r *Reader) ListCollections(ctx context.Context) ([]Collection, error) { return nil, errNotYet }

// ListIndexes returns index definitions exactly as the server gives them. A missing collection has none.
func (r *Reader) ListIndexes(ctx context.Context, collection string) ([]bson.Raw, error) {
	return nil, errNotYet
}

// Stats returns a collection's metadata.
func (r *Reader) Stats(ctx context.Context, collection string) (Stats, error) {
	return Stats{}, errNotYet
}

// Count counts exactly; query nil means every document.
func (r *Reader) Count(ctx context.Context, collection string, query bson.Raw) (int64, error) {
	return 0, errNotYet
}

// IsEmpty tells whether a collection holds no document or does not exist.
func (r *Reader) IsEmpty(ctx context.Context, collection string) (bool, error) {
	return false, errNotYet
}

// CreateCollection creates a collection with the options of another's listing (nil for none). That it exists
// already is no error.
func (w *Writer) CreateCollection(ctx context.Context, collection string, options bson.Raw) error {
	return errNotYet
}

// CreateIndex creates one index from a complete definition (key, name and options).
func (w *Writer) CreateIndex(ctx context.Context, collection string, definition bson.Raw) error {
	return errNotYet
}

// DropCollection drops a collection. That it does not exist is no error.
func (w *Writer) DropCollection(ctx context.Context, collection string) error { return errNotYet }
