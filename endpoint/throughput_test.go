package endpoint

import (
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestThroughputOfAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		reply bson.D
		want  Throughput
	}{
		"manual":             {bson.D{{Key: "provisionedThroughput", Value: int32(400)}}, Throughput{PerSecond: 400, Floor: 400}},
		"a double":           {bson.D{{Key: "provisionedThroughput", Value: 400.0}}, Throughput{PerSecond: 400, Floor: 400}},
		"autoscale":          {bson.D{{Key: "provisionedThroughput", Value: int32(400)}, {Key: "autoScaleSettings", Value: bson.D{{Key: "maxThroughput", Value: int64(4000)}}}}, Throughput{PerSecond: 4000, Floor: 400, Autoscale: true}},
		"autoscale, no base": {bson.D{{Key: "autoScaleSettings", Value: bson.D{{Key: "maxThroughput", Value: int32(1000)}}}}, Throughput{PerSecond: 1000, Floor: 100, Autoscale: true}},
		"autoscale is off":   {bson.D{{Key: "provisionedThroughput", Value: int32(500)}, {Key: "autoScaleSettings", Value: bson.D{}}}, Throughput{PerSecond: 500, Floor: 500}},
		"serverless":         {bson.D{{Key: "ok", Value: 1.0}}, Throughput{}},
		"nonsense":           {bson.D{{Key: "provisionedThroughput", Value: "many"}}, Throughput{}},
	} {
		if got := throughputOf(mustMarshal(t, test.reply)); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
