package null

// spread places document i of n at a position, strictly rising, and finds i from a position.
//
// Even documents lie side by side. Skewed ones take a hundred times the room: five of every hundred lie
// over the first 49.5 % of it, ninety in the 1 % in the middle, and five over the rest.
type spread struct{ pieces []piece }

// piece is a stretch of positions with documents at equal distances.
type piece struct {
	first, count int64 // documents
	start, step  int64 // positions
}

const skewRoom = 100 // positions a document

func newSpread(documents int64, skewed bool) spread {
	if !skewed || documents < skewRoom {
		return spread{[]piece{{first: 0, count: documents, start: 0, step: 1}}}
	}
	edge := documents / 20
	middle := documents - 2*edge
	room := documents * skewRoom
	dense := room / 100
	sparse := (room - dense) / 2
	return spread{[]piece{
		{first: 0, count: edge, start: 0, step: sparse / edge},
		{first: edge, count: middle, start: sparse, step: dense / middle},
		{first: edge + middle, count: edge, start: sparse + dense, step: sparse / edge},
	}}
}

// documents is how many there are.
func (s spread) documents() int64 {
	last := s.pieces[len(s.pieces)-1]
	return last.first + last.count
}

// room is above every position.
func (s spread) room() int64 {
	last := s.pieces[len(s.pieces)-1]
	return last.start + last.count*last.step
}

func (s spread) position(i int64) int64 {
	for _, p := range s.pieces {
		if i < p.first+p.count {
			return p.start + (i-p.first)*p.step
		}
	}
	return s.room()
}

// document returns the document at a position, or false where none is.
func (s spread) document(position int64) (int64, bool) {
	for _, p := range s.pieces {
		offset := position - p.start
		if offset >= 0 && offset < p.count*p.step {
			return p.first + offset/p.step, offset%p.step == 0
		}
	}
	return 0, false
}
