//go:build !unix

package pm2

import "github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"

// daemonUser does nothing where users have no numbers.
func daemonUser(string) *command.User { return nil }
