#!/bin/sh
# Prints where the modules are that the program may be made of, and the standard library: lines of PATH DIRECTORY, for generate.
set -e
echo "std $(go env GOROOT)"
go list -m -f '{{.Path}} {{.Dir}}' all
