package plans

import (
	"strings"
	"testing"
)

func TestAdjust(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Tuning
		fails      string
	}{
		{"workers", "8", Tuning{Workers: 8, BatchDocuments: 1, BatchBytes: 1}, ""},
		{"workers", "auto", Tuning{Workers: 0, BatchDocuments: 1, BatchBytes: 1}, ""},
		{"batch_documents", "4000", Tuning{Workers: 1, BatchDocuments: 4000, BatchBytes: 1}, ""},
		{"batch_bytes", "8MiB", Tuning{Workers: 1, BatchDocuments: 1, BatchBytes: 8 << 20}, ""},
		{"workers", "0", Tuning{}, "workers must be a whole number, 1 to 1024 or auto, not \"0\""},
		{"workers", "many", Tuning{}, "workers must be"},
		{"batch_documents", "auto", Tuning{}, "batch_documents must be a whole number"},
		{"batch_bytes", "1GiB", Tuning{}, "batch_bytes must be a size, 1KiB to 46875KiB"},
		{"max_memory", "1GiB", Tuning{}, "max_memory cannot be changed while a plan runs"},
		{"wrokers", "1", Tuning{}, `tuning has no field "wrokers"`},
	} {
		got, err := Tuning{Workers: 1, BatchDocuments: 1, BatchBytes: 1}.Adjust(c.name, c.text)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s=%s: %v, want %s", c.name, c.text, err, c.fails)
			}
			continue
		}
		if err != nil || got.Workers != c.want.Workers || got.BatchDocuments != c.want.BatchDocuments || got.BatchBytes != c.want.BatchBytes {
			t.Errorf("%s=%s: %+v, %v", c.name, c.text, got, err)
		}
	}
}
