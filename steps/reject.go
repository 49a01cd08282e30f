package steps

// Reject is a document that did not arrive, and why; or one that an operator has to know of for another reason,
// which its Outcome tells.
type Reject struct {
	Outcome   string `json:"outcome"`
	Origin    string `json:"-"`         // where the step finds the document again, in its own words
	Namespace string `json:"namespace"` // of the target
	ID        string `json:"id"`        // the _id, canonical extended JSON
	Code      int    `json:"code"`
	Message   string `json:"message"`
}

// What became of a document that is listed.
const (
	OutcomeRejected = "rejected" // did not arrive

	// Conflicts that the plan decided, and documents that arrived though others of the source share their _id.
	OutcomeSkipped   = "skipped"
	OutcomeReplaced  = "replaced"
	OutcomeInserted  = "inserted"
	OutcomeIdentical = "identical"

	// About to be replaced when nothing more was heard of it: what became of it is found out when the step goes on.
	OutcomeReplacing = "replacing"

	OutcomeFiltered = "filtered" // never listed

	// What a verification found.
	OutcomeMissing    = "missing"
	OutcomeDiffering  = "differing"
	OutcomeUnexpected = "unexpected"
	OutcomeRepaired   = "repaired"
)

// A list cannot fill the disk. MostDifferences are listed of a step that verifies, and MostConflicts of one that brings
// documents; all of them are counted. Conflicts are the more worth a line, for what was replaced is gone. Rejected
// documents are all listed, because they can be tried again: their bound is the plan's max_rejects.
const (
	MostDifferences = 100_000
	MostConflicts   = 1_000_000
)

// Rejections, Conflicts and Differences are the outcomes that are listed together.
func Rejections() []string { return []string{OutcomeRejected} }

// Conflicts are outcomes of documents that met another one with their _id.
func Conflicts() []string {
	return []string{OutcomeSkipped, OutcomeReplaced, OutcomeReplacing, OutcomeInserted, OutcomeIdentical}
}

// DecidedConflicts are those that the plan's on_conflict decided.
func DecidedConflicts() []string { return []string{OutcomeSkipped, OutcomeReplaced} }

// Differences are outcomes of a verification.
func Differences() []string {
	return []string{OutcomeMissing, OutcomeDiffering, OutcomeUnexpected, OutcomeRepaired}
}
