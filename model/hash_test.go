package model

import "testing"

func TestScatterIsABijection(t *testing.T) {
	const modulus = 33 * 33 * 10
	seen := map[uint64]bool{}
	for n := range uint64(modulus) {
		at := scatter(n, 12345%modulus, 1_000_000_007, modulus)
		if at >= modulus || seen[at] {
			t.Fatalf("%d goes to %d", n, at)
		}
		seen[at] = true
	}
}

// The strides in use have no factor in common with what they walk through, and do not overflow.
func TestStrides(t *testing.T) {
	for _, c := range []struct{ stride, modulus uint64 }{{1_000_000_007, vins}, {754_974_721, oldPlates}, {754_974_721, letterPlates}} {
		a, b := c.stride, c.modulus
		for b > 0 {
			a, b = b, a%b
		}
		if a != 1 || c.stride >= 1<<30 || c.modulus >= 1<<34 {
			t.Errorf("stride %d does not suit %d", c.stride, c.modulus)
		}
	}
}

func TestMix40IsABijection(t *testing.T) {
	seen := map[uint64]bool{}
	for x := range uint64(1 << 18) {
		for _, in := range []uint64{x, 1<<40 - 1 - x} {
			out := mix40(in)
			if out >= 1<<40 || seen[out] {
				t.Fatalf("%d goes to %d", in, out)
			}
			seen[out] = true
		}
	}
}

func TestDrawsStayInBounds(t *testing.T) {
	draw := newStream(1, ofOrder, 2)
	counts := [7]int{}
	for range 70_000 {
		counts[draw.between(-3, 3)+3]++
	}
	for n, count := range counts {
		if count < 9_500 || count > 10_500 {
			t.Errorf("%d was drawn %d times of 70000", n-3, count)
		}
	}
}
