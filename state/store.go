// Package state keeps how far a plan is, in one SQLite file. It stores what it is given and knows nothing of
// steps, documents or servers.
package state

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

//go:embed schema.sql
var schema string

// version of the schema, kept in the file's user_version.
const version = 1

// Store is an open state file. Safe for concurrent use.
type Store struct {
	db   *sql.DB
	file string
}

// ErrNone means that there is no state yet.
var ErrNone = errors.New("no saved state")

// Path is where a plan's state is.
func Path(dir, name string) string { return filepath.Join(dir, name+".db") }

// Open opens a plan's state for writing, and creates it where there is none. Hold the [Lock] meanwhile.
func Open(dir, name string) (*Store, error) {
	file := Path(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state %s: %w", file, err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	// WAL with synchronous=FULL: a commit is on disk before it returns, so that after a power loss no
	// checkpoint is missing that a later batch relied on; and readers never wait for the writer.
	s, err := open(file, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	if err := s.migrate(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// OpenReadOnly opens a plan's state to look at it: while a run writes it, after a crash, and without creating or
// changing a file. ErrNone where there is none.
func OpenReadOnly(dir, name string) (*Store, error) {
	file := Path(dir, name)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	options := url.Values{"mode": {"ro"}, "_query_only": {"on"}, "_busy_timeout": {"10000"}}
	if _, err := os.Stat(file + "-wal"); errors.Is(err, fs.ErrNotExist) {
		// Without a log nobody writes; not even the log's index may then be created.
		options.Set("immutable", "1")
	}
	s, err := open(file, options)
	if err != nil {
		return nil, err
	}
	if err := s.checkVersion(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func open(file string, options url.Values) (*Store, error) {
	path := (&url.URL{Path: file}).EscapedPath()
	db, err := sql.Open("sqlite3", "file:"+path+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("state %s: %w", file, err)
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; waiting for it here keeps the order
	return &Store{db: db, file: file}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.explain("close", s.db.Close()) }

func (s *Store) migrate() error {
	var have int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return s.explain("open", err)
	}
	if have != 0 {
		return s.checkVersion()
	}
	return s.within("create", func(tx *sql.Tx) error {
		if _, err := tx.Exec(schema); err != nil {
			return err
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

func (s *Store) checkVersion() error {
	var have int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&have); err != nil {
		return s.explain("open", err)
	}
	if have > version {
		return fmt.Errorf("state %s: made by a newer vida (version %d, this one knows %d): use that one, or move the file away to start over", s.file, have, version)
	}
	return nil
}

// within runs f in one transaction.
func (s *Store) within(operation string, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return s.explain(operation, err)
	}
	if err := f(tx); err != nil {
		return errors.Join(s.explain(operation, err), ignoreDone(tx.Rollback()))
	}
	return s.explain(operation, tx.Commit())
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// explain adds where and what to do.
func (s *Store) explain(operation string, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	var failure sqlite3.Error
	if errors.As(err, &failure) {
		switch failure.Code {
		case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
			hint = ": the file is damaged or not a state of vida; nothing was changed: restore it from a copy, or move it away to start over (what was copied is then found identical)"
		case sqlite3.ErrFull:
			hint = ": no space left for the state; nothing is lost: make room and run the same command again"
		case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
			hint = ": the file or its folder cannot be written: check the permissions, or choose another with --state"
		case sqlite3.ErrIoErr:
			hint = ": the disk failed or is full; make room and run the same command again"
		}
	}
	return fmt.Errorf("state %s: %s: %w%s", s.file, operation, err, hint)
}
