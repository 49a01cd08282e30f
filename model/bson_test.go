package model

import (
	"testing"

	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

func TestAppendAsTheDriverDoes(t *testing.T) {
	want := bsoncore.NewDocumentBuilder().AppendString("text", "Ängelholm").AppendInt32("int", -5).AppendDouble("double", 0.1).
		AppendBoolean("yes", true).AppendBoolean("no", false).AppendDateTime("date", -86_400_000).AppendNull("null").Build()
	got := []byte{0, 0, 0, 0}
	got, text := openString(got, "text")
	got = closeString(append(got, "Ängelholm"...), text)
	got = appendInt32(got, "int", -5)
	got = appendDouble(got, "double", 0.1)
	got = appendBool(got, "yes", true)
	got = appendBool(got, "no", false)
	got = appendDate(got, "date", -86_400)
	got = appendNull(got, "null")
	got = closeDocument(got, 0)
	if string(got) != string(want) {
		t.Errorf("got  %x\nwant %x", got, []byte(want))
	}
}

func TestAppendDigits(t *testing.T) {
	for _, c := range []struct {
		n     uint64
		width int
		want  string
	}{{0, 0, ""}, {0, 1, "0"}, {7, 3, "007"}, {1234, 2, "1234"}, {1<<64 - 1, 1, "18446744073709551615"}} {
		if got := string(appendDigits(nil, c.n, c.width)); got != c.want {
			t.Errorf("%d in %d digits is %q", c.n, c.width, got)
		}
	}
}
