// Command vida-sandbox runs a local source and target, to rehearse a plan on and to test against.
package main

import (
	"os"

	"vida/sandbox/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
