package prober

import (
	"bytes"
	"testing"
)

// A high body_size_limit must not take memory that no body has asked for.
func TestKeptTextOfHighLimit(t *testing.T) {
	k := keptText{most: 1 << 50, hold: func() error { return nil }}
	n, err := k.ReadFrom(bytes.NewReader(make([]byte, 2<<20)))
	if err != nil || n != 2<<20 || cap(k.data) > maxKept {
		t.Errorf("read %d bytes into %d with the error %v, want %d into %d at most", n, cap(k.data), err, 2<<20, maxKept)
	}
}
