package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A cgroup limits the memory of a process and of its children. Empty: there is no cgroup.
type cgroup string

// The directories of cgroups, and the files for the limit in versions 1 and 2.
var hierarchies = []struct{ dir, limit, version string }{
	{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "version 1"},
	{"/sys/fs/cgroup", "memory.max", "version 2"},
}

// makeCgroup makes a cgroup if that is possible, and says what limits the memory.
func makeCgroup(mib int) (group cgroup, what string) {
	for _, h := range hierarchies {
		dir := filepath.Join(h.dir, fmt.Sprintf("healthcheck-siege-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		group = cgroup(dir)
		if err := os.WriteFile(filepath.Join(dir, h.limit), []byte(strconv.Itoa(mib<<20)), 0o600); err != nil {
			group.remove() // this hierarchy does not limit memory
			continue
		}
		return group, fmt.Sprintf("%d MiB by a cgroup of %s", mib, h.version)
	}
	return "", fmt.Sprintf("NO cgroup can be made here: more than %d MiB of resident memory is only looked for twice a second", mib)
}

// procs returns the file by which a process joins. Empty: there is no cgroup.
func (g cgroup) procs() string {
	if g == "" {
		return ""
	}
	return filepath.Join(string(g), "cgroup.procs")
}

// oomKills returns how many processes were killed because the memory was used up.
func (g cgroup) oomKills() int {
	for _, file := range []string{"memory.oom_control", "memory.events"} {
		text, err := os.ReadFile(filepath.Join(string(g), file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(number)) // the kernel always writes a number
				return n
			}
		}
	}
	return 0
}

// remove removes an empty cgroup.
func (g cgroup) remove() {
	if g != "" {
		_ = os.Remove(string(g)) // fails if a process is left, which the report shows elsewhere
	}
}
