// Command vida-bench measures the copy against what it is to be compared with, as ratios within one run.
package main

import (
	"os"

	"vida/sandbox/bench"
)

func main() {
	os.Exit(bench.Run(os.Args[1:], os.Stdout, os.Stderr))
}
