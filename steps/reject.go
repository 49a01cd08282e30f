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

	OutcomeFiltered = "filtered" // never listed

	// What a verification found.
	OutcomeMissing    = "missing"
	OutcomeDiffering  = "differing"
	OutcomeUnexpected = "unexpected"
	OutcomeRepaired   = "repaired"
)

// MostDifferences are listed of a step, so that a verification against a wrong target cannot fill the disk. All of
// them are counted. Rejected documents are all listed, for they can be tried again.
const MostDifferences = 100_000

// Rejections, Conflicts and Differences are the outcomes that are listed together.
func Rejections() []string { return []string{OutcomeRejected} }

// Conflicts are outcomes of documents that met another one with their _id.
func Conflicts() []string {
	return []string{OutcomeSkipped, OutcomeReplaced, OutcomeInserted, OutcomeIdentical}
}

// Differences are outcomes of a verification.
func Differences() []string {
	return []string{OutcomeMissing, OutcomeDiffering, OutcomeUnexpected, OutcomeRepaired}
}
