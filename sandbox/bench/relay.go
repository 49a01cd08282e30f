package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"

	"github.com/spf13/cobra"
)

// relayBuffer is what the relay reads and writes at a time.
const relayBuffer = 1 << 20

// newRelayCommand is the process that relays: it reads from one socket and writes to another, by plain reads and
// writes (io.Copy between two sockets would have the kernel do it).
func newRelayCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "relay FROM TO",
		Short:  "Relay bytes from one address to another",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var dialer net.Dialer
			from, err := dialer.DialContext(cmd.Context(), "tcp", args[0])
			if err != nil {
				return err
			}
			to, err := dialer.DialContext(cmd.Context(), "tcp", args[1])
			if err != nil {
				return err
			}
			buffer := make([]byte, relayBuffer)
			for {
				n, err := from.Read(buffer)
				if n > 0 {
					if _, err := to.Write(buffer[:n]); err != nil {
						return err
					}
				}
				if errors.Is(err, io.EOF) {
					return errors.Join(to.Close(), from.Close())
				}
				if err != nil {
					return err
				}
			}
		},
	}
}

// relay sends bytes through a relaying process and returns what it used.
func relay(ctx context.Context, self string, bytes int64) (usage, error) {
	source, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return usage{}, err
	}
	defer func() { _ = source.Close() }()
	sink, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return usage{}, err
	}
	defer func() { _ = sink.Close() }()

	sent, received := make(chan error, 1), make(chan error, 1)
	go func() { sent <- pump(source, bytes) }()
	go func() { received <- drain(sink, bytes) }()
	used, err := measure(exec.CommandContext(ctx, self, "relay", source.Addr().String(), sink.Addr().String()))
	_, _ = source.Close(), sink.Close() // ends what still waits for a relay that never came
	return used, errors.Join(err, <-sent, <-received)
}

func pump(listener net.Listener, bytes int64) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	chunk := make([]byte, relayBuffer)
	for left := bytes; left > 0; {
		n, err := conn.Write(chunk[:min(left, relayBuffer)])
		if err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

func drain(listener net.Listener, bytes int64) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	buffer := make([]byte, relayBuffer)
	var got int64
	for {
		n, err := conn.Read(buffer)
		got += int64(n)
		if errors.Is(err, io.EOF) && got == bytes {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the relay brought %d of %d bytes: %w", got, bytes, err)
		}
	}
}
