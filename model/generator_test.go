package model_test

import (
	"testing"

	"vida/model"
)

func BenchmarkAppendOrder(b *testing.B) {
	g := model.New(1)
	var buffer []byte
	var bytes int64
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		buffer = g.AppendOrder(buffer[:0], i)
		bytes += int64(len(buffer))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/doc")
}
