package indexes

import "math"

func negativeZero() float64 { return math.Copysign(0, -1) }
func infinity() float64     { return math.Inf(1) }
func nan() float64          { return math.NaN() }
