#!/usr/bin/env bash
# usage: fuzz.sh [TIME]     runs every fuzz target of both modules for TIME (30s), one after another. An input that
# fails is written to the package's testdata/fuzz, where every later `go test` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
failed=''
for module in . sandbox; do
	while IFS=: read -r file name; do
		package=./$(dirname "$file")
		echo "== $module $package $name"
		# Shrinking a new input may take a minute by default, which is no use in a short run.
		(cd "$module" && ${GO:-go} test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5s "$package") || failed+=" $name"
	done < <(cd "$module" && find . -path ./sandbox -prune -o -name '*_test.go' -print | sort | xargs grep -oH '^func Fuzz[A-Za-z0-9_]*' | sed 's/func //; s|^\./||')
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
