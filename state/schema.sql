-- The state of one plan: what was done, and how far everything is.
-- JSON columns hold what their owner put there; this file does not look into them.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	started  INTEGER NOT NULL,          -- milliseconds since 1970
	finished INTEGER,
	status   TEXT NOT NULL,
	report   TEXT                       -- JSON, once it has ended
);

CREATE TABLE steps (
	name     TEXT PRIMARY KEY,
	type     TEXT NOT NULL,
	identity TEXT NOT NULL,             -- JSON: field to value
	status   TEXT NOT NULL,
	started  INTEGER NOT NULL DEFAULT 0,
	finished INTEGER NOT NULL DEFAULT 0,
	seconds  REAL NOT NULL DEFAULT 0,   -- over all runs
	divided  INTEGER NOT NULL DEFAULT 0,
	result   TEXT NOT NULL DEFAULT '',  -- JSON
	usage    TEXT NOT NULL DEFAULT '',  -- JSON: what it took beyond what its units count, over all runs
	error    TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE units (
	step       TEXT NOT NULL REFERENCES steps (name) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	spec       TEXT NOT NULL,               -- JSON
	checkpoint TEXT NOT NULL DEFAULT '',    -- JSON
	counts     TEXT NOT NULL DEFAULT '{}',  -- JSON, of what the checkpoint covers
	expected   INTEGER NOT NULL DEFAULT 0,
	done       INTEGER NOT NULL DEFAULT 0,
	result     TEXT NOT NULL DEFAULT '',    -- JSON
	PRIMARY KEY (step, id)
) WITHOUT ROWID;

-- What became of single documents that an operator has to know of.
CREATE TABLE rejects (
	id        INTEGER PRIMARY KEY,
	step      TEXT NOT NULL REFERENCES steps (name) ON DELETE CASCADE,
	unit      TEXT NOT NULL,
	outcome   TEXT NOT NULL,  -- the step's word for it
	origin    TEXT NOT NULL,  -- where the step finds the document again
	namespace TEXT NOT NULL,
	document  TEXT NOT NULL,  -- the _id, canonical extended JSON
	code      INTEGER NOT NULL,
	message   TEXT NOT NULL
);
CREATE INDEX rejects_by_step ON rejects (step, outcome);
CREATE INDEX rejects_by_document ON rejects (document);
