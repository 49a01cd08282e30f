package endpoint

import (
	"testing"

	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
)

// greeted is a connection to a server that said so much.
type greeted struct {
	driver.Connection
	description description.Server
}

func (g greeted) Description() description.Server { return g.description }

// A server that answers with an empty list of compressors compresses nothing: what it gets is not copied into a message
// of one piece for that.
func TestCompresses(t *testing.T) {
	for _, c := range []struct {
		compressors []string
		want        bool
	}{{nil, false}, {[]string{}, false}, {[]string{"zstd"}, true}} {
		l := &lane{connection: greeted{description: description.Server{Compression: c.compressors}}}
		if got := l.compresses(); got != c.want {
			t.Errorf("%#v: %v, want %v", c.compressors, got, c.want)
		}
	}
}
