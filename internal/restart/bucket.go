package restart

import (
	"sync"
	"time"
)

// A service takes orderBurst orders at once, and then one each orderEvery: each may be a write to the disk.
const (
	orderEvery = time.Second
	orderBurst = 10
)

// A bucket lets through orderBurst at once, and one each orderEvery. The zero bucket is full.
type bucket struct {
	mu   sync.Mutex // protects the following
	full time.Time  // when nothing is missing any more
}

// take reports whether one more may go through now.
func (b *bucket) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.full
	if full.Before(now) {
		full = now
	}
	if full.Sub(now) > (orderBurst-1)*orderEvery {
		return false
	}
	b.full = full.Add(orderEvery)
	return true
}
