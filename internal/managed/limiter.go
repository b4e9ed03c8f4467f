package managed

import (
	"sync"
	"time"
)

// How many changes one author may make, dry runs included.
const (
	changesPerSecond = 10
	changesAtOnce    = 10
)

// maxAuthors is how many authors are counted one by one. Those beyond share.
const maxAuthors = 1000

// A limiter counts what each author changes. The zero limiter works.
type limiter struct {
	mu      sync.Mutex           // protects the following
	authors map[string]time.Time // when the author will have as much as he may ever have
}

// take takes one change of an author, or returns how long to wait for it.
func (l *limiter) take(author string) (wait time.Duration) {
	const each = time.Second / changesPerSecond
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if _, known := l.authors[author]; !known && len(l.authors) >= maxAuthors {
		for name, full := range l.authors {
			if !full.After(now) {
				delete(l.authors, name)
			}
		}
		if len(l.authors) >= maxAuthors {
			author = ""
		}
	}
	full := l.authors[author]
	if full.Before(now) {
		full = now
	}
	full = full.Add(each)
	if wait := full.Sub(now) - changesAtOnce*each; wait > 0 {
		return wait
	}
	if l.authors == nil {
		l.authors = map[string]time.Time{}
	}
	l.authors[author] = full
	return 0
}
