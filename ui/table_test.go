package ui

import (
	"bytes"
	"testing"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	columns := []column{{"step", false}, {"documents", true}, {"size", true}, {"notes", false}}
	err := writeTable(&out, columns, [][]string{
		{"check", "", "", ""},
		{"copy", "20,000", "", "a note that is long enough to be wrapped by a table that wraps, which this one must never do as it would break lines"},
		{"é…✓", "1", "", "end"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `STEP   DOCUMENTS  NOTES
check
copy      20,000  a note that is long enough to be wrapped by a table that wraps, which this one must never do as it would break lines
é…✓            1  end
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
