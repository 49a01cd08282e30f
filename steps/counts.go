package steps

import "vida/plans"

// Counts are the books of a unit, of a step or of a run.
type Counts struct {
	Read         int64   `json:"read,omitempty"`
	Inserted     int64   `json:"inserted,omitempty"`
	Identical    int64   `json:"identical,omitempty"` // was there already, byte for byte
	Replaced     int64   `json:"replaced,omitempty"`
	Renewed      int64   `json:"renewed,omitempty"` // of those replaced, earlier copies of the same documents by the same step
	Skipped      int64   `json:"skipped,omitempty"` // was there already, differs, kept as it was (on_conflict: skip)
	Rejected     int64   `json:"rejected,omitempty"`
	Filtered     int64   `json:"filtered,omitempty"`
	Differing    int64   `json:"differing,omitempty"`
	Missing      int64   `json:"missing,omitempty"`
	Unexpected   int64   `json:"unexpected,omitempty"`
	Repaired     int64   `json:"repaired,omitempty"`
	Bytes        int64   `json:"bytes,omitempty"`
	RequestUnits float64 `json:"request_units,omitempty"`
	Estimated    bool    `json:"request_units_estimated,omitempty"` // the server did not tell
	Throttled    int64   `json:"throttled,omitempty"`               // commands
	Retries      int64   `json:"retries,omitempty"`
}

// Plus returns the sum of both.
func (c Counts) Plus(d Counts) Counts {
	c.Read += d.Read
	c.Inserted += d.Inserted
	c.Identical += d.Identical
	c.Replaced += d.Replaced
	c.Renewed += d.Renewed
	c.Skipped += d.Skipped
	c.Rejected += d.Rejected
	c.Filtered += d.Filtered
	c.Differing += d.Differing
	c.Missing += d.Missing
	c.Unexpected += d.Unexpected
	c.Repaired += d.Repaired
	c.Bytes += d.Bytes
	c.RequestUnits += d.RequestUnits
	c.Estimated = c.Estimated || d.Estimated
	c.Throttled += d.Throttled
	c.Retries += d.Retries
	return c
}

// Accounted is the number of read documents whose fate is known. The books balance when it equals Read.
func (c Counts) Accounted() int64 {
	return c.Inserted + c.Identical + c.Replaced + c.Skipped + c.Rejected + c.Filtered
}

// Balanced tells whether the books add up. Only steps that bring documents have books: see [KeepsBooks].
func (c Counts) Balanced() bool { return c.Accounted() == c.Read }

// KeepsBooks tells whether steps of a type account for each document that they read.
func KeepsBooks(stepType string) bool {
	switch stepType {
	case plans.TypeCopy, plans.TypeGenerate, plans.TypeDump, plans.TypeRestore:
		return true
	}
	return false
}

// Conflicts are documents that met another one with their _id, and what on_conflict decided.
func (c Counts) Conflicts() int64 { return c.Skipped + c.Replaced - c.Renewed }

// FellShort tells whether something differs or did not arrive: the run then ends with exit code 3.
func (c Counts) FellShort() bool {
	return c.Rejected > 0 || c.Differing+c.Missing+c.Unexpected > c.Repaired
}

// Counted returns the books with n more documents of an outcome.
func (c Counts) Counted(outcome string, n int64) Counts {
	c.count(outcome, n)
	return c
}

func (c *Counts) count(outcome string, n int64) {
	switch outcome {
	case OutcomeInserted:
		c.Inserted += n
	case OutcomeIdentical:
		c.Identical += n
	case OutcomeReplaced:
		c.Replaced += n
	case OutcomeSkipped:
		c.Skipped += n
	case OutcomeFiltered:
		c.Filtered += n
	case OutcomeRejected:
		c.Rejected += n
	case OutcomeMissing:
		c.Missing += n
	case OutcomeDiffering:
		c.Differing += n
	case OutcomeUnexpected:
		c.Unexpected += n
	case OutcomeRepaired:
		c.Repaired += n
	}
}
