//go:build unix

package app

import "syscall"

// maxFiles is how many files the process may open. 0: it is not known.
func maxFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur <= 0 {
		return 0
	}
	return int(min(l.Cur, manyDescriptors)) // more make no difference
}
