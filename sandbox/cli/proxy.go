package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"vida/sandbox/wire/faults"
)

// proxyFlags are those of the command proxy.
type proxyFlags struct {
	upstream string
	listen   string
	rules    string
	address  string
	envFile  string
}

func newProxyCommand(stdio Stdio) *cobra.Command {
	var flags proxyFlags
	cmd := &cobra.Command{
		Use:   "proxy --upstream URI [flags]",
		Short: "Stand before a server that runs already, and misbehave by rules",
		Long: `proxy stands before any server that speaks the MongoDB wire protocol without TLS, and
misbehaves by the rules of a file. It prints VIDA_SANDBOX_PROXY_URI, the connection
string that leads through it, and VIDA_SANDBOX_FAULTS_URL, and runs until Ctrl-C
(SIGINT), SIGTERM or SIGHUP.

  seed: 7                       # of everything left to chance
  rules:                        # the first that fires decides; delays add up
    - {command: getMore, skip: 2, times: 1, action: error, error: {code: 43}}
    - {command: insert, probability: 0.1, action: reset, applied: true}
    - {command: insert, action: write-errors, error: {code: 121},
       documents: {field: status, equals: lost}}

A rule has
  name           to find it in the counts
  command        such as insert or getMore; * for all but the handshake
  namespace      database.collection; all where it is left out
  skip, times    this many matching commands pass first; it fires at most so often
  probability    of firing, above 0 to 1; always where it is left out
  action         reset         cut the connection
                 no-reply      leave the client waiting
                 error         answer with error
                 write-errors  refuse the writes that documents picks, do the others
                 delay         wait for delay, then go on with the following rules
  applied        the server does the command first (reset, no-reply, error)
  delay          to wait before the action: 250ms
  error          code, and where it is not a well-known one, name, message, labels
  documents      the writes to refuse: indexes, share (0 to 1), larger_than (bytes),
                 field (a dotted path) and equals

The HTTP endpoint answers every request with what the rules have seen, as JSON:
  GET  /         changes nothing
  PUT  /rules    a file of rules replaces those there are; counts begin anew
  POST /pause    every connection is reset, and each new one, as if unplugged
  POST /resume   ends a pause
  POST /reset    every connection is reset once`,
		Example: `  vida-sandbox proxy --upstream mongodb://127.0.0.1:27017/ --rules faults.yaml
  curl -T other.yaml http://127.0.0.1:PORT/rules
  curl -X POST http://127.0.0.1:PORT/pause`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return runProxy(flags, stdio) },
	}
	set := cmd.Flags()
	set.StringVar(&flags.upstream, "upstream", "", "connection string of the server (required)")
	set.StringVar(&flags.listen, "listen", "127.0.0.1:0", "host:port to listen on")
	set.StringVar(&flags.rules, "rules", "", "a YAML file of rules (default: none, until some are put)")
	set.StringVar(&flags.address, "address", "127.0.0.1:0", "host:port of the HTTP endpoint")
	set.StringVar(&flags.envFile, "env-file", "", "write the variables to this file (mode 0600)")
	return cmd
}

func runProxy(flags proxyFlags, stdio Stdio) (err error) {
	signals := catchSignals()
	defer signals.release()
	if flags.upstream == "" {
		return usagef("--upstream is missing: the server to stand before")
	}
	if _, err := splitAddress(flags.upstream); err != nil {
		return usagef("--upstream: %w", err)
	}
	injector, err := faults.New(0)
	if flags.rules != "" {
		injector, err = readRules(flags.rules)
	}
	if err != nil {
		return usagef("--rules: %w", err)
	}
	proxy, err := startFaulty(context.Background(), flags.upstream, flags.listen, flags.address, injector)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.close()) }()

	variables := []variable{{"VIDA_SANDBOX_PROXY_URI", proxy.uri}, {"VIDA_SANDBOX_FAULTS_URL", proxy.endpoint.URL()}}
	if flags.envFile != "" {
		if err := writeEnvFile(flags.envFile, variables); err != nil {
			return fmt.Errorf("--env-file: %w", err)
		}
		defer func() { err = errors.Join(err, os.Remove(flags.envFile)) }()
	}
	if err := export(stdio.Out, variables); err != nil {
		return err
	}
	<-signals.arriving
	for _, count := range injector.Counts() {
		_, _ = fmt.Fprintf(stdio.Err, "vida-sandbox: %s %s %s: %d matched, %d fired\n", count.Name, count.Command, count.Action, count.Matched, count.Fired)
	}
	return nil
}
