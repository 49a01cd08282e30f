package ui

import (
	"encoding/json"
	"io"
	"strconv"
)

// Reject is a document that did not arrive, as `vida status --rejects` shows it.
type Reject struct {
	Step      string          `json:"step"`
	Namespace string          `json:"namespace"`
	ID        json.RawMessage `json:"id"` // the _id as canonical extended JSON
	Code      int             `json:"code"`
	Message   string          `json:"message"`
}

// Rejects writes rejected documents as a table.
func Rejects(out io.Writer, rejects []Reject) error {
	text := &writer{out: out}
	if len(rejects) == 0 {
		text.line("no document was rejected")
		return text.err
	}
	var rows [][]string
	for _, r := range rejects {
		code := ""
		if r.Code != 0 {
			code = strconv.Itoa(r.Code)
		}
		rows = append(rows, []string{r.Step, r.Namespace, Clean(string(r.ID)), code, Clean(r.Message)})
	}
	text.table([]column{{title: "step"}, {title: "namespace"}, {title: "_id"}, {title: "code", right: true},
		{title: "why"}}, rows)
	text.line("")
	text.line("%s", Plural(int64(len(rejects)), "rejected document"))
	return text.err
}

// RejectsJSON writes rejected documents as one object: `vida status PLAN --rejects --output json`.
func RejectsJSON(out io.Writer, plan string, rejects []Reject) error {
	if rejects == nil {
		rejects = []Reject{}
	}
	for i := range rejects {
		if !json.Valid(rejects[i].ID) {
			quoted, err := json.Marshal(string(rejects[i].ID))
			if err != nil {
				return err
			}
			rejects[i].ID = quoted
		}
	}
	return encoder(out).Encode(struct {
		Plan    string   `json:"plan"`
		Rejects []Reject `json:"rejects"`
	}{plan, rejects})
}
