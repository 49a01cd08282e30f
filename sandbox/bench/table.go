package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// row is one figure of the table, and its bound where it has one.
type row struct {
	what  string
	value float64
	unit  string
	most  float64 // 0 for none
	least float64 // 0 for none
}

func (r row) holds() bool {
	return (r.most == 0 || r.value <= r.most) && (r.least == 0 || r.value >= r.least)
}

func (r row) bound() string {
	switch {
	case r.most > 0:
		return fmt.Sprintf("at most %g", r.most)
	case r.least > 0:
		return fmt.Sprintf("at least %g", r.least)
	}
	return ""
}

// writeTable prints figures and returns errOutside where one is outside of its bound.
func writeTable(w io.Writer, title string, rows []row) error {
	_, _ = fmt.Fprintf(w, "%s\n", title)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var err error
	for _, r := range rows {
		verdict := ""
		if r.most > 0 || r.least > 0 {
			verdict = "holds"
			if !r.holds() {
				verdict, err = "DOES NOT HOLD", errOutside
			}
		}
		number := fmt.Sprintf("%.2f", r.value)
		if r.value >= 1000 {
			number = fmt.Sprintf("%.0f", r.value)
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s %s\t%s\t%s\n", r.what, number, r.unit, r.bound(), verdict)
	}
	if flushed := table.Flush(); flushed != nil {
		return flushed
	}
	return err
}
