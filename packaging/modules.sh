#!/bin/sh
# Prints where the modules are that the program may be made of, and the standard library: lines of PATH DIRECTORY, for generate.
# It asks for those of go.mod by name, which needs no network once they are there; `all` would need the go.mod of every version.
set -e
unset CDPATH
cd "$(dirname "$0")/.."
modules=$(awk '$1 == "require" && $2 != "(" {print $2} /^\)/ {r = 0} r {print $1} /^require \(/ {r = 1}' go.mod)
echo "std $(go env GOROOT)"
# shellcheck disable=SC2086 # a list
go list -m -f '{{.Path}} {{.Dir}}' "$(go list -m)" $modules
