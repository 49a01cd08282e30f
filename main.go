// Command vida moves document data by a plan. See README.md.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"vida/cli"
)

func main() {
	// Whoever reads our output may go before us: Ctrl-C ends the `tee` of a pipeline first, and must not take
	// the orderly end of a run with it.
	signal.Ignore(syscall.SIGPIPE)

	signals := make(chan os.Signal, 3)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup, and a shell's background jobs, ignore some for us
			signal.Notify(signals, s)
		}
	}
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr, os.Environ(), signals))
}
