//go:build !unix

package app

// maxFiles is how many files the process may open. 0: it is not known.
func maxFiles() int { return 0 }
