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
	"strings"

	"github.com/mattn/go-sqlite3"
)

//go:embed schema.sql
var schema string

const (
	version     = 1          // of the schema, kept in the file's user_version
	application = 0x76696461 // "vida", kept in the file's application_id: some other program's database is left alone
)

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
	if err := prepareFile(dir, file); err != nil {
		return nil, err
	}
	// What a power loss leaves: SQLite appends a transaction to the log (WAL) and, with synchronous=FULL, has the
	// disk confirm the log before the commit returns. Frames of the log carry checksums, so that one that was torn,
	// and whatever follows it, counts as never written. The database file itself is touched only by moving
	// confirmed frames into it, and the log is begun anew only after the disk has confirmed that file: at every
	// instant the two together are the last commit that returned, or a later one. So what Divide stored is there
	// before the first document of the step is sent, and a checkpoint is there once Save has returned; one that is
	// lost because it had not returned covers documents that are found identical when they are sent again.
	// Readers, such as status, never wait for the writer.
	s, err := open(file, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"}, "_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	err = s.migrate()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// prepareFile makes sure that the file exists, with the right mode, and is no remainder of a damaged state.
func prepareFile(dir, file string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state %s: %w%s", file, err, hintFolder)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("state: %w%s", err, hintFolder)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	// The log is begun after the file has got its first page. SQLite would drop it in silence.
	if log, err := os.Stat(file + "-wal"); err == nil && info.Size() == 0 && log.Size() > 0 {
		return fmt.Errorf("state %s: the file is empty, but its log %s-wal is not%s", file, file, hintDamaged)
	}
	return nil
}

// check reads the whole file once: a state is small, and damage is better found before anything is started.
func (s *Store) check() error {
	var verdict string
	if err := s.db.QueryRow("PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return s.explain("open", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("state %s: %s%s", s.file, strings.ReplaceAll(verdict, "\n", " "), hintDamaged)
	}
	return nil
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
	var tables int
	if err := s.db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return s.explain("open", err)
	}
	if tables > 0 {
		return s.checkVersion()
	}
	return s.within("create", func(tx *sql.Tx) error {
		if _, err := tx.Exec(schema); err != nil {
			return err
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", version, application))
		return err
	})
}

func (s *Store) checkVersion() error {
	var have, whose int
	err := s.db.QueryRow("PRAGMA user_version").Scan(&have)
	if err == nil {
		err = s.db.QueryRow("PRAGMA application_id").Scan(&whose)
	}
	if err != nil {
		return s.explain("open", err)
	}
	if whose != application {
		return fmt.Errorf("state %s: the database of another program; nothing was changed: move it away, or choose another folder with --state", s.file)
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

const (
	hintDamaged = ": the file is damaged or not a state of vida; nothing was changed: restore it from a copy, or move it and its -wal file away to start over (what was copied is then found identical)"
	hintFolder  = ": the file or its folder cannot be written: check the permissions, or choose another folder with --state"
)

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
			hint = hintDamaged
		case sqlite3.ErrFull:
			hint = ": no space left for the state; nothing is lost: make room and run the same command again"
		case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
			hint = hintFolder
		case sqlite3.ErrIoErr:
			hint = ": the disk failed or is full; make room and run the same command again"
		}
	}
	return fmt.Errorf("state %s: %s: %w%s", s.file, operation, err, hint)
}
