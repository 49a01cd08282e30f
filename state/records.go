package state

import (
	"database/sql"
	"errors"
	"time"
)

// Run is one run of the plan.
type Run struct {
	Name     string
	Started  time.Time
	Finished time.Time // zero: it has not, or it was interrupted without a word
	Status   string
	Report   []byte // JSON
}

// StartRun records that a run begins, with the plan as it is written, and keeps the last hundred runs.
func (s *Store) StartRun(run Run, planName string, source []byte) error {
	return s.within("start a run", func(tx *sql.Tx) error {
		for key, value := range map[string]string{"plan": planName, "source": string(source)} {
			if _, err := tx.Exec(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`INSERT INTO runs (name, started, status) VALUES (?, ?, ?)`, run.Name, run.Started.UnixMilli(), run.Status); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - 100`)
		return err
	})
}

// FinishRun records how a run ended.
func (s *Store) FinishRun(run Run) error {
	return s.within("finish the run", func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE runs SET finished = ?, status = ?, report = ? WHERE name = ?`, run.Finished.UnixMilli(), run.Status, string(run.Report), run.Name)
		return err
	})
}

// Runs returns the runs, the latest first.
func (s *Store) Runs() ([]Run, error) {
	rows, err := s.db.Query(`SELECT name, started, coalesce(finished, 0), status, coalesce(report, '') FROM runs ORDER BY id DESC`)
	if err != nil {
		return nil, s.explain("read the runs", err)
	}
	defer func() { _ = rows.Close() }()
	var runs []Run
	for rows.Next() {
		var r Run
		var started, finished int64
		var report string
		if err := rows.Scan(&r.Name, &started, &finished, &r.Status, &report); err != nil {
			return nil, s.explain("read the runs", err)
		}
		r.Started, r.Finished, r.Report = moment(started), moment(finished), []byte(report)
		runs = append(runs, r)
	}
	return runs, s.explain("read the runs", rows.Err())
}

// Step is a step that has been begun.
type Step struct {
	Name     string
	Type     string
	Identity []byte // JSON
	Status   string
	Started  time.Time
	Finished time.Time
	Seconds  float64 // over all runs
	Divided  bool
	Result   []byte // JSON
	Usage    []byte // JSON: what it took beyond what its units count, over all runs
	Error    string
}

// Steps returns every step that has been begun, by name.
func (s *Store) Steps() (map[string]Step, error) {
	rows, err := s.db.Query(`SELECT name, type, identity, status, started, finished, seconds, divided, result, usage, error FROM steps`)
	if err != nil {
		return nil, s.explain("read the steps", err)
	}
	defer func() { _ = rows.Close() }()
	steps := map[string]Step{}
	for rows.Next() {
		var step Step
		var identity, result, usage string
		var started, finished int64
		if err := rows.Scan(&step.Name, &step.Type, &identity, &step.Status, &started, &finished, &step.Seconds, &step.Divided, &result, &usage, &step.Error); err != nil {
			return nil, s.explain("read the steps", err)
		}
		step.Identity, step.Result, step.Usage = []byte(identity), []byte(result), []byte(usage)
		step.Started, step.Finished = moment(started), moment(finished)
		steps[step.Name] = step
	}
	return steps, s.explain("read the steps", rows.Err())
}

// SaveStep stores a step as it stands, but for its units and whether it is divided.
func (s *Store) SaveStep(step Step) error {
	return s.within("save step "+step.Name, func(tx *sql.Tx) error { return saveStep(tx, step) })
}

// SaveStepAnew stores a step that is done again from its beginning: its units and rejects are forgotten with it,
// so that nothing of the former time is ever taken for a result of this one.
func (s *Store) SaveStepAnew(step Step) error {
	return s.within("start "+step.Name+" again", func(tx *sql.Tx) error {
		if err := saveStep(tx, step); err != nil {
			return err
		}
		for _, statement := range []string{`DELETE FROM units WHERE step = ?`, `DELETE FROM rejects WHERE step = ?`, `UPDATE steps SET divided = 0 WHERE name = ?`} {
			if _, err := tx.Exec(statement, step.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

func saveStep(tx *sql.Tx, step Step) error {
	_, err := tx.Exec(`INSERT INTO steps (name, type, identity, status, started, finished, seconds, result, usage, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET type = excluded.type, identity = excluded.identity, status = excluded.status, started = excluded.started,
			finished = excluded.finished, seconds = excluded.seconds, result = excluded.result, usage = excluded.usage, error = excluded.error`,
		step.Name, step.Type, string(step.Identity), step.Status, milli(step.Started), milli(step.Finished), step.Seconds, string(step.Result), string(step.Usage), step.Error)
	return err
}

// DropSteps forgets steps with their units and rejects.
func (s *Store) DropSteps(names []string) error {
	return s.within("drop steps", func(tx *sql.Tx) error {
		for _, name := range names {
			if _, err := tx.Exec(`DELETE FROM steps WHERE name = ?`, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unit is a part of a step.
type Unit struct {
	ID         string
	Spec       []byte // JSON
	Checkpoint []byte // JSON; empty before the first
	Counts     []byte // JSON
	Expected   int64
	Done       bool
	Result     []byte // JSON, once done
}

// Divide stores all units of a step at once: from then on the step is divided.
func (s *Store) Divide(step string, units []Unit) error {
	return s.within("store the units of "+step, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM units WHERE step = ?`, step); err != nil {
			return err
		}
		insert, err := tx.Prepare(insertUnit)
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }()
		for _, u := range units {
			if _, err := insert.Exec(step, u.ID, string(u.Spec), u.Expected); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`UPDATE steps SET divided = 1 WHERE name = ?`, step)
		return err
	})
}

// AddUnits stores units that follow from those a step has, at once.
func (s *Store) AddUnits(step string, units []Unit) error {
	return s.within("store more units of "+step, func(tx *sql.Tx) error {
		_, err := addUnits(tx, step, units)
		return err
	})
}

// addUnits stores those of some units that are not known, and returns them.
func addUnits(tx *sql.Tx, step string, units []Unit) (added []Unit, err error) {
	for _, u := range units {
		result, err := tx.Exec(insertUnit+` ON CONFLICT (step, id) DO NOTHING`, step, u.ID, string(u.Spec), u.Expected)
		if err != nil {
			return nil, err
		}
		if changed, err := result.RowsAffected(); err != nil {
			return nil, err
		} else if changed > 0 {
			added = append(added, u)
		}
	}
	return added, nil
}

const insertUnit = `INSERT INTO units (step, id, spec, expected) VALUES (?, ?, ?, ?)`

// Units returns a step's units in the order of their ids.
func (s *Store) Units(step string) ([]Unit, error) {
	rows, err := s.db.Query(`SELECT id, spec, checkpoint, counts, expected, done, result FROM units WHERE step = ? ORDER BY id`, step)
	if err != nil {
		return nil, s.explain("read the units of "+step, err)
	}
	defer func() { _ = rows.Close() }()
	var units []Unit
	for rows.Next() {
		var u Unit
		if err := rows.Scan(&u.ID, &u.Spec, &u.Checkpoint, &u.Counts, &u.Expected, &u.Done, &u.Result); err != nil {
			return nil, s.explain("read the units of "+step, err)
		}
		units = append(units, u)
	}
	return units, s.explain("read the units of "+step, rows.Err())
}

// Checkpoint is how far a unit is, with the counts and the rejects that belong to it.
type Checkpoint struct {
	Checkpoint []byte // JSON
	Counts     []byte // JSON
	Rejects    []Reject
	Intent     string   // the outcome of intents
	Settled    []Reject // intents that this one ends
	Born       []Unit   // units that take over what the unit leaves
}

// SaveCheckpoint stores a checkpoint, all of it at once. It returns those of the units born that were not known before.
func (s *Store) SaveCheckpoint(step, unit string, c Checkpoint) (added []Unit, err error) {
	err = s.within("save a checkpoint of "+step, func(tx *sql.Tx) (err error) {
		if err := dropIntents(tx, step, c.Intent, c.Settled); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE units SET checkpoint = ?, counts = ? WHERE step = ? AND id = ?`, string(c.Checkpoint), string(c.Counts), step, unit); err != nil {
			return err
		}
		if err := insertRejects(tx, step, unit, c.Rejects); err != nil {
			return err
		}
		added, err = addUnits(tx, step, c.Born)
		return err
	})
	return added, err
}

// FinishUnit records that a unit is done.
func (s *Store) FinishUnit(step, unit string, counts, result []byte) error {
	return s.within("finish a unit of "+step, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE units SET done = 1, counts = ?, result = ?, checkpoint = '' WHERE step = ? AND id = ?`, string(counts), string(result), step, unit)
		return err
	})
}

// ReopenUnits has units done once more.
func (s *Store) ReopenUnits(step string, units []string) error {
	return s.within("reopen units of step "+step, func(tx *sql.Tx) error {
		for _, unit := range units {
			if _, err := tx.Exec(`UPDATE units SET done = 0, result = '' WHERE step = ? AND id = ?`, step, unit); err != nil {
				return err
			}
		}
		return nil
	})
}

// Split stores a unit's shrunk spec and the unit born from it, at once.
func (s *Store) Split(step, unit string, shrunk []byte, expected int64, born Unit) error {
	return s.within("split a unit of "+step, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`UPDATE units SET spec = ?, expected = ? WHERE step = ? AND id = ?`, string(shrunk), expected, step, unit); err != nil {
			return err
		}
		_, err := tx.Exec(insertUnit, step, born.ID, string(born.Spec), born.Expected)
		return err
	})
}

// Meta returns a stored text; empty where there is none.
func (s *Store) Meta(key string) (string, error) {
	var value string
	err := s.db.QueryRow(`SELECT value FROM meta WHERE key = ?`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, s.explain("read", err)
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
