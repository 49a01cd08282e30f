package null

import (
	"strconv"
	"testing"
)

func TestDigitsTo(t *testing.T) {
	digits := 0
	for n := range 12_345 {
		if got := digitsTo(n); got != digits {
			t.Fatalf("the numbers below %d have %d digits; want %d", n, got, digits)
		}
		digits += len(strconv.Itoa(n))
	}
}
