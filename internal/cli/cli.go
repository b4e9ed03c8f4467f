// Package cli is the command line beside the server: checking configuration files, probing once, and asking a
// running exporter.
package cli

// The exit statuses of every command.
const (
	ExitSuccess = 0
	ExitFailed  = 1 // the probe failed, the exporter refused, a replay differs
	ExitUsage   = 2 // bad arguments or configuration
)
