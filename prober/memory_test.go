package prober_test

import "runtime"

// totalAlloc is how many bytes this process has ever allocated, the servers of the test included.
func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
