package cosmos

import (
	"math"
	"testing"
)

func TestCharges(t *testing.T) {
	tests := []struct {
		name string
		got  float64
		want float64
	}{
		{"point read of 1 KB", pointRead(1 << 10), 1},
		{"point read of 100 KB", pointRead(100 << 10), 10},
		{"point read of nothing", pointRead(0), 1},
		{"point read of 50.5 KB", pointRead(101 << 9), 5.5},
		{"page of 100 KB from one partition", queryPage(100<<10, 1), 102.5},
		{"page of 4 MB from five partitions", queryPage(4<<20, 5), 4096 + 12.5},
		{"empty page from two partitions", queryPage(0, 2), 5},
		{"insert of 1 KB", insertion(1 << 10), 5.5},
		{"insert of 200 bytes", insertion(200), 5.5},
		{"insert of 10 KB", insertion(10 << 10), 55},
		{"replacement of 1 KB", replacement(1 << 10), 11},
	}
	for _, test := range tests {
		if math.Abs(test.got-test.want) > 1e-9 {
			t.Errorf("%s: %g RU, want %g", test.name, test.got, test.want)
		}
	}
}
