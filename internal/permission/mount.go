package permission

import (
	"os"
	"slices"
	"strings"
)

// systemDirs are mounted read-only by the hardening of systemd (ProtectSystem), in the view of one service alone.
var systemDirs = []string{"/", "/boot", "/efi", "/etc", "/usr"}

// mountInfo says in Linux what is mounted where, proc_pid_mountinfo(5). Elsewhere there is no such file.
const mountInfo = "/proc/self/mountinfo"

// mountedReadOnly reports whether a file came with a volume that is mounted read-only, as ConfigMaps and Secrets of
// Kubernetes and secrets of Docker are. Their modes are open to all (kubelet makes directories with 0777), they cannot be
// repaired from here, and nobody in the container can write there.
func mountedReadOnly(way []step) bool {
	text, err := os.ReadFile(mountInfo)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(way, func(s step) bool {
		return !slices.Contains(systemDirs, s.path) && readOnlyAt(string(text), s.path)
	})
}

// escapes are the characters that mountInfo does not have as they are.
var escapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// readOnlyAt reports whether the last mount at a directory or file is read-only.
func readOnlyAt(info, path string) bool {
	readOnly := false
	for line := range strings.Lines(info) {
		const mountPoint, options = 4, 5
		fields := strings.Fields(line)
		if len(fields) > options && escapes.Replace(fields[mountPoint]) == path {
			readOnly = slices.Contains(strings.Split(fields[options], ","), "ro")
		}
	}
	return readOnly
}
