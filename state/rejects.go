package state

import (
	"database/sql"
	"slices"
	"strings"
)

// Reject is a document that did not arrive, or one of which an operator has to know another thing.
type Reject struct {
	Row       int64 // where it is stored; rises in the order they were met
	Step      string
	Unit      string
	Outcome   string // the step's word for what became of it
	Origin    string // where the step finds the document again
	Namespace string
	ID        string
	Code      int
	Message   string
}

// RejectQuery chooses rejects. What is empty is not asked for.
type RejectQuery struct {
	Step     string
	Outcomes []string
	After    int64 // only rows above this one
	Limit    int
}

func insertRejects(tx *sql.Tx, step, unit string, rejects []Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	insert, err := tx.Prepare(`INSERT INTO rejects (step, unit, outcome, origin, namespace, document, code, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for _, r := range rejects {
		if _, err := insert.Exec(step, unit, r.Outcome, r.Origin, r.Namespace, r.ID, r.Code, r.Message); err != nil {
			return err
		}
	}
	return nil
}

// SaveIntents stores what is about to become of documents; see [Store.SaveCheckpoint].
func (s *Store) SaveIntents(step, unit string, intents []Reject) error {
	return s.within("save what is about to be done by "+step, func(tx *sql.Tx) error { return insertRejects(tx, step, unit, intents) })
}

// dropIntents forgets those of some documents, whichever unit had them.
func dropIntents(tx *sql.Tx, step, outcome string, settled []Reject) error {
	if len(settled) == 0 {
		return nil
	}
	drop, err := tx.Prepare(`DELETE FROM rejects WHERE step = ? AND outcome = ? AND namespace = ? AND document = ?`)
	if err != nil {
		return err
	}
	defer func() { _ = drop.Close() }()
	for _, r := range settled {
		if _, err := drop.Exec(step, outcome, r.Namespace, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// Rejects returns a page of rejects in the order they were met. There may be millions of them: go on with the last
// one's Row until a page is empty.
func (s *Store) Rejects(q RejectQuery) ([]Reject, error) {
	conditions, values := []string{"id > ?"}, []any{q.After}
	if q.Step != "" {
		conditions, values = append(conditions, "step = ?"), append(values, q.Step)
	}
	if len(q.Outcomes) > 0 {
		conditions = append(conditions, "outcome IN (?"+strings.Repeat(", ?", len(q.Outcomes)-1)+")")
		for _, o := range q.Outcomes {
			values = append(values, o)
		}
	}
	rows, err := s.db.Query(`SELECT id, step, unit, outcome, origin, namespace, document, code, message FROM rejects WHERE `+
		strings.Join(conditions, " AND ")+` ORDER BY id LIMIT ?`, append(values, max(1, q.Limit))...)
	if err != nil {
		return nil, s.explain("read the rejects", err)
	}
	defer func() { _ = rows.Close() }()
	var rejects []Reject
	for rows.Next() {
		var r Reject
		if err := rows.Scan(&r.Row, &r.Step, &r.Unit, &r.Outcome, &r.Origin, &r.Namespace, &r.ID, &r.Code, &r.Message); err != nil {
			return nil, s.explain("read the rejects", err)
		}
		rejects = append(rejects, r)
	}
	return rejects, s.explain("read the rejects", rows.Err())
}

// Listed tells which documents of a namespace are listed of a step with an outcome, by their ids.
func (s *Store) Listed(step, outcome, namespace string, ids []string) (map[string]bool, error) {
	listed := map[string]bool{}
	for some := range slices.Chunk(ids, 500) {
		if err := s.listed(step, outcome, namespace, some, listed); err != nil {
			return nil, s.explain("look up rejects", err)
		}
	}
	return listed, nil
}

func (s *Store) listed(step, outcome, namespace string, ids []string, into map[string]bool) error {
	values := []any{step, outcome, namespace}
	for _, id := range ids {
		values = append(values, id)
	}
	rows, err := s.db.Query(`SELECT document FROM rejects WHERE step = ? AND outcome = ? AND namespace = ? AND document IN (?`+
		strings.Repeat(", ?", len(ids)-1)+`)`, values...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		into[id] = true
	}
	return rows.Err()
}

// Retried is what trying some rejects of a step again came to: all of it is stored at once, so that no document is
// ever in the books and in the list, or in neither.
type Retried struct {
	Arrived []int64  // rows that are no longer rejects
	Left    []Reject // rows whose outcome, code and message changed
	Units   []Unit   // of which the counts and the result changed
	Result  []byte   // of the step
	Status  string   // of the step
}

// SaveRetried stores what became of rejects that were tried again.
func (s *Store) SaveRetried(step string, r Retried) error {
	return s.within("store what became of rejects of "+step, func(tx *sql.Tx) error {
		for rows := range slices.Chunk(r.Arrived, 500) {
			values := make([]any, len(rows))
			for n, row := range rows {
				values[n] = row
			}
			if _, err := tx.Exec(`DELETE FROM rejects WHERE id IN (?`+strings.Repeat(", ?", len(rows)-1)+`)`, values...); err != nil {
				return err
			}
		}
		for _, left := range r.Left {
			if _, err := tx.Exec(`UPDATE rejects SET outcome = ?, code = ?, message = ? WHERE id = ?`, left.Outcome, left.Code, left.Message, left.Row); err != nil {
				return err
			}
		}
		for _, u := range r.Units {
			if _, err := tx.Exec(`UPDATE units SET counts = ?, result = ? WHERE step = ? AND id = ?`, string(u.Counts), string(u.Result), step, u.ID); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`UPDATE steps SET result = ?, status = ? WHERE name = ?`, string(r.Result), r.Status, step)
		return err
	})
}

// CountRejects returns how many rejects of a step are stored with one of the outcomes.
func (s *Store) CountRejects(step string, outcomes []string) (count int64, err error) {
	values := []any{step}
	for _, o := range outcomes {
		values = append(values, o)
	}
	err = s.db.QueryRow(`SELECT count(*) FROM rejects WHERE step = ? AND outcome IN (`+
		strings.TrimSuffix(strings.Repeat("?, ", len(outcomes)), ", ")+`)`, values...).Scan(&count)
	return count, s.explain("count the rejects", err)
}
