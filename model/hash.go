package model

import "math/bits"

// entity keeps apart the draws of things that share a number.
type entity uint64

const (
	ofSeed entity = iota
	ofTemplate
	ofBlock
	ofCustomer
	ofVehicle
	ofOrder
)

// stream is a sequence of pseudo-random draws (SplitMix64) that is a pure function of where it starts.
type stream uint64

// newStream is the stream of the n-th entity of its kind, n below 1<<48.
func newStream(seed uint64, of entity, n uint64) stream {
	return stream(mix(seed ^ mix(uint64(of)<<48|n)))
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	return mix(uint64(*s))
}

// below draws from 0 to n-1.
func (s *stream) below(n int) int {
	high, _ := bits.Mul64(s.next(), uint64(n))
	return int(high)
}

// between draws from low to high, both included.
func (s *stream) between(low, high int) int { return low + s.below(high-low+1) }

// percent is true p times in a hundred.
func (s *stream) percent(p int) bool { return s.below(100) < p }

// mix is SplitMix64's finaliser, a bijection of 64 bits.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mix40 is a bijection of 40 bits.
func mix40(x uint64) uint64 {
	const mask = 1<<40 - 1
	x = (x ^ x>>20) * 0xbf58476d1ce4e5b9 & mask
	x = (x ^ x>>21) * 0x94d049bb133111eb & mask
	return x ^ x>>20
}

// scatter is a bijection of 0 to modulus-1 that puts neighbours far apart. stride and modulus must have no
// common factor, modulus be below 1<<34 and stride below 1<<30. A larger n wraps around at modulus.
func scatter(n, offset, stride, modulus uint64) uint64 {
	return (n%modulus*stride + offset) % modulus
}
