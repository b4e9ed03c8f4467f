//go:build unix

package pm2

import (
	"os"
	"syscall"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"
)

// daemonUser returns the user of the daemon, whose rights are enough for pm2. As root it would run files that others can
// change, and leave files behind. It is nil if the exporter's own rights are used.
func daemonUser(home string) *command.User {
	info, err := os.Lstat(socket(home))
	if err != nil || os.Geteuid() != 0 {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	return &command.User{UID: stat.Uid, GID: stat.Gid}
}
