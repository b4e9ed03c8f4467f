// Package cli is the command line beside the server: checking configuration files and probing once.
package cli

// The exit statuses of every command.
const (
	ExitSuccess = 0
	ExitFailed  = 1 // the probe failed
	ExitUsage   = 2 // bad arguments or configuration
)
