package command

import (
	"strings"
	"testing"
)

func tailOf(writes []string, secrets ...string) string {
	t := &tail{ended: make(chan struct{})}
	for _, w := range writes {
		_, _ = t.Write([]byte(w))
	}
	close(t.ended)
	return lastOf(t.text(secrets), maxOutput)
}

func TestTail(t *testing.T) {
	for _, tt := range []struct {
		name    string
		writes  []string
		secrets []string
		want    string
	}{
		{"nothing", nil, []string{"canary"}, ""},
		{"plain", []string{" one\n", "two\n"}, nil, "one\ntwo"},
		{"secret in two writes", []string{"a can", "ary b"}, []string{"canary"}, "a <secret> b"},
		{"overlapping", []string{"xabcdefx"}, []string{"abcd", "cdef"}, "x<secret>x"},
		{"overlapping itself", []string{"xababax"}, []string{"abab", "baba"}, "x<secret>x"},
		{"one in the other", []string{"canary-long"}, []string{"canary", "canary-long"}, "<secret>"},
		{"short and empty", []string{"exit 1"}, []string{"1", ""}, "exit 1"},
		{"not UTF-8", []string{"a\xffb"}, nil, "a?b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tailOf(tt.writes, tt.secrets...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Wherever a long output is cut, its beginning has no part of a secret.
func TestTailCut(t *testing.T) {
	secret := strings.Repeat("s", 3000)
	for _, more := range []int{0, 1, 1500, 2999, 3000, 5000} {
		got := tailOf([]string{strings.Repeat(secret+"\n", 25), strings.Repeat("x", more), "\nend"}, secret)
		if strings.Contains(got, "ss") || !strings.HasSuffix(got, "end") || len(got) > maxOutput+len("…") {
			t.Errorf("after %d bytes got %q", more, got)
		}
	}
	if got := tailOf([]string{strings.Repeat("0123456789", 1000)}); len(got) != maxOutput+len("…") || !strings.HasSuffix(got, "789") {
		t.Errorf("got %d bytes: %q", len(got), got)
	}
}
