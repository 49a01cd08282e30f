package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// clearedPool is what the driver answers with to those who wait for a connection when another one's broke.
type clearedPool struct{ error }

func (clearedPool) Retryable() bool { return true }

func TestTransient(t *testing.T) {
	cases := []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"cancelled", fmt.Errorf("read: %w", context.Canceled), false},
		{"connection", topology.ConnectionError{Wrapped: io.EOF}, true},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{"not primary", &CommandError{Code: 10107}, true},
		{"shutdown", &CommandError{Code: 91}, true},
		{"interrupted", fmt.Errorf("insert: %w", &CommandError{Code: 11600}), true},
		{"throttled", &CommandError{Code: 16500}, true},
		{"cursor", &CommandError{Code: 43}, true},
		{"time limit", mongo.CommandError{Code: 50}, true},
		{"old not master", &CommandError{Message: "not master"}, true},
		{"pool began anew", fmt.Errorf("insert: %w", clearedPool{errors.New("connection pool was cleared")}), true},
		{"unauthorized", &CommandError{Code: 13}, false},
		{"gateway without a database", &CommandError{Code: 1, Message: "FATAL:  sorry, too many clients already"}, true},
		{"gateway without a server", mongo.CommandError{Code: 1, Message: "Connection refused Is the server running on that host?"}, true},
		{"internal", &CommandError{Code: 1, Message: "unexpected node type"}, false},
		{"bad value", &CommandError{Code: 2}, false},
		{"password", topology.ConnectionError{Wrapped: errors.New("auth error: unable to authenticate")}, false},
	}
	for _, c := range cases {
		if got := Transient(c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	cases := map[string]time.Duration{
		"Error=16500, RetryAfterMs=34, Details='x'":        34 * time.Millisecond,
		"Error=16500, Details='Insert error.'":             0,
		"RetryAfterMs=99999999999999999999":                0,
		"Error=16500, RetryAfterMs=2238, Details='Batch…'": 2238 * time.Millisecond,
	}
	for message, want := range cases {
		if got := retryAfter(message); got != want {
			t.Errorf("%q: %v, want %v", message, got, want)
		}
	}
}

func TestPatienceEndsWithoutProgressAndIsRenewedByIt(t *testing.T) {
	p := newPatience(Retry{For: 30 * time.Millisecond, Initial: time.Millisecond, Max: 2 * time.Millisecond}, nil)
	cause := errors.New("refused")
	for begin := time.Now(); time.Since(begin) < 60*time.Millisecond; {
		if err := p.wait(context.Background(), cause); err != nil {
			t.Fatalf("gave up although there was progress: %v", err)
		}
		p.progress()
	}
	var err error
	for err == nil {
		err = p.wait(context.Background(), cause)
	}
	if !errors.Is(err, cause) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestPatienceWaitsAsLongAsTheServerAsks(t *testing.T) {
	p := newPatience(Retry{For: time.Minute, Initial: time.Nanosecond, Max: time.Nanosecond}, nil)
	begin := time.Now()
	if err := p.wait(context.Background(), errors.New("Error=16500, RetryAfterMs=30, Details=''")); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begin); waited < 30*time.Millisecond {
		t.Errorf("waited %v", waited)
	}
}

func TestStoppingEndsPatience(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping)
	p := newPatience(Retry{For: time.Hour, Initial: time.Hour, Max: time.Hour}, stopping)
	if err := p.wait(context.Background(), errors.New("refused")); !errors.Is(err, ErrStopping) {
		t.Error(err)
	}
}
