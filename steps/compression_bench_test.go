package steps

import (
	"testing"

	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"

	"vida/model"
)

// What compressing and decompressing a batch of service orders costs, and how much of it is left.
func BenchmarkCompression(b *testing.B) {
	var batch []byte
	generator := model.New(1)
	for n := range int64(2000) {
		batch = generator.AppendOrder(batch, n)
	}
	for name, compressor := range map[string]wiremessage.CompressorID{
		"zstd": wiremessage.CompressorZstd, "snappy": wiremessage.CompressorSnappy, "zlib": wiremessage.CompressorZLib,
	} {
		options := driver.CompressionOpts{
			Compressor: compressor, ZlibLevel: wiremessage.DefaultZlibLevel, ZstdLevel: wiremessage.DefaultZstdLevel,
			UncompressedSize: int32(len(batch)),
		}
		small, err := driver.CompressPayload(batch, options)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/compress", func(b *testing.B) {
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				if _, err := driver.CompressPayload(batch, options); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(100*float64(len(small))/float64(len(batch)), "%left")
		})
		b.Run(name+"/decompress", func(b *testing.B) {
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				if _, err := driver.DecompressPayload(small, options); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
