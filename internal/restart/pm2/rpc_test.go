package pm2

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A talk is a connection to a daemon that gives the same answer to everything.
type talk struct{ io.Reader }

func (talk) Write(p []byte) (int, error) { return len(p), nil }

func FuzzList(f *testing.F) {
	for _, answer := range []string{
		`j:{"args":[[{"pid":7,"pm_id":0,"pm2_env":{"name":"web","status":"online","pm_uptime":1700000000000}}]]}`,
		`j:{"args":[[]]}`, `j:{"error":"x"}`, `s:x`, ``,
	} {
		f.Add(message(answer, "s:1"))
	}
	f.Add([]byte("\x12\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := list(talk{bytes.NewReader(b)})
		if err != nil && all != nil {
			t.Errorf("got %v beside %v", all, err)
		}
		s := status(all, "web", time.Now())
		if known := s.Unfit != restart.UnfitMissing; (s.Identity != "") != known {
			t.Errorf("got %+v, want an identity or no app", s)
		}
	})
}

// A daemon cannot make the exporter allocate memory by announcing a long answer.
func TestListMemory(t *testing.T) {
	for name, length := range map[string]string{"too much": "\x7f\xff\xff\xff", "much": "\x03\xff\xff\xff"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := list(talk{strings.NewReader("\x12" + length + "j:")}); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: took %d bytes", name, got)
		}
	}
}
