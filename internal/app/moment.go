package app

import (
	"sync/atomic"
	"time"
)

// A moment is when something last happened. The zero moment: it never did.
type moment struct{ last atomic.Pointer[time.Time] }

// now says that it happens.
func (m *moment) now() {
	at := time.Now()
	m.last.Store(&at)
}

// at is when it happened; zero: it never did.
func (m *moment) at() time.Time {
	if at := m.last.Load(); at != nil {
		return *at
	}
	return time.Time{}
}
