//go:build !unix

package pm2

import "github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"

// daemonUser returns nil: users have no numbers here.
func daemonUser(string) *command.User { return nil }
