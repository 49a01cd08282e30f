package null

import "testing"

func TestSpreadRisesAndIsFoundAgain(t *testing.T) {
	for _, documents := range []int64{1, 2, 99, 100, 101, 1999, 54_321} {
		for _, skewed := range []bool{false, true} {
			s := newSpread(documents, skewed)
			if s.documents() != documents {
				t.Errorf("%d documents, skewed %v: it has %d", documents, skewed, s.documents())
			}
			previous := int64(-1)
			for i := range documents {
				position := s.position(i)
				if position <= previous || position >= s.room() {
					t.Fatalf("%d documents, skewed %v: document %d is at %d, after %d, in a room of %d", documents, skewed, i, position, previous, s.room())
				}
				if found, ok := s.document(position); !ok || found != i {
					t.Fatalf("%d documents, skewed %v: at %d is document %d, %v; want %d", documents, skewed, position, found, ok, i)
				}
				if position-1 > previous {
					if found, ok := s.document(position - 1); ok {
						t.Fatalf("%d documents, skewed %v: between two is document %d", documents, skewed, found)
					}
				}
				previous = position
			}
			for _, outside := range []int64{-1, s.room(), s.room() + 1000} {
				if found, ok := s.document(outside); ok {
					t.Errorf("%d documents, skewed %v: at %d, outside, is document %d", documents, skewed, outside, found)
				}
			}
		}
	}
}

func TestSkewPutsNineTenthsIntoAHundredth(t *testing.T) {
	for _, documents := range []int64{1000, 61_000_000, MaxDocuments} {
		s := newSpread(documents, true)
		width := float64(s.position(documents*95/100-1)-s.position(documents*5/100)) / float64(s.room())
		if width > 0.011 {
			t.Errorf("%d documents: nine tenths take %.4f of the range; want at most a hundredth", documents, width)
		}
	}
}
