package command

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxKept is how much of a program's output is kept, in bytes.
const maxKept = 64 << 10

// A tail keeps the last bytes that are written to it: errors come last.
type tail struct {
	mu    sync.Mutex // protects the following
	kept  []byte
	cut   bool          // bytes before it are lost
	ended chan struct{} // closed when there will be no more
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxKept; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// outputDelay is how long the last output of a command may take to arrive after it has ended.
const outputDelay = 200 * time.Millisecond

// text returns what was kept, without secrets.
func (t *tail) text(secrets []string) string {
	select {
	case <-t.ended:
	case <-time.After(outputDelay):
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(masked(t.kept, secrets, t.cut)), "?")
}

// lastOf returns the end of s, at most n bytes.
func lastOf(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + strings.ToValidUTF8(s[len(s)-n:], "")
}

// mask stands for a secret. Texts shorter than shortest, such as "1", are not masked: they are everywhere.
const (
	mask     = "<secret>"
	shortest = 4
)

// masked replaces the secrets in text, even if they overlap. If the beginning of the text is lost, it leaves out what may be
// the rest of a secret.
func masked(text []byte, secrets []string, cut bool) string {
	secret := make([]bool, len(text)) // by byte
	longest := 0
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		longest = max(longest, len(s))
		for from := 0; ; {
			i := bytes.Index(text[from:], []byte(s))
			if i < 0 {
				break
			}
			from += i + 1
			for j := range len(s) {
				secret[from-1+j] = true
			}
		}
	}
	if cut {
		for i := range min(longest, len(text)) {
			secret[i] = true
		}
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := slices.Index(secret[i:], !secret[i])
		if end < 0 {
			end = len(text) - i
		}
		if secret[i] {
			b.WriteString(mask)
		} else {
			b.Write(text[i : i+end])
		}
		i += end
	}
	return b.String()
}
