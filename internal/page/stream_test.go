package page

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A fakeViewer is the answer to one who reads all of it at once, or nothing from some time on.
type fakeViewer struct {
	header http.Header

	mu       sync.Mutex // protects the following
	written  bytes.Buffer
	writes   []time.Time
	deaf     bool
	deadline time.Time
	changed  chan struct{} // closed when the deadline changes
}

func newFakeViewer() *fakeViewer {
	return &fakeViewer{header: http.Header{}, changed: make(chan struct{})}
}

func (f *fakeViewer) Header() http.Header             { return f.header }
func (f *fakeViewer) WriteHeader(int)                 {}
func (f *fakeViewer) FlushError() error               { return nil }
func (f *fakeViewer) SetReadDeadline(time.Time) error { return nil }

func (f *fakeViewer) SetWriteDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

func (f *fakeViewer) Write(p []byte) (int, error) {
	for {
		f.mu.Lock()
		deaf, deadline, changed := f.deaf, f.deadline, f.changed
		if !deaf {
			f.written.Write(p)
			f.writes = append(f.writes, time.Now())
			f.mu.Unlock()
			return len(p), nil
		}
		f.mu.Unlock()
		if deadline.IsZero() {
			<-changed
			continue
		}
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		case <-changed:
			timer.Stop()
		}
	}
}

func (f *fakeViewer) all() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written.String()
}

// watch has a viewer look at a list until the context ends; the channel is closed when he does not any more.
func (w *wall) watch(ctx context.Context, query string, f *fakeViewer) (ended chan struct{}) {
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		w.pages.Watch(f, httptest.NewRequestWithContext(ctx, http.MethodGet, "/live?"+query, http.NoBody))
	}()
	return ended
}

// Whatever is in an event, it is one event: a line end of any kind is one of its data.
func TestEventIsOne(t *testing.T) {
	for data, want := range map[string]string{
		"":               "data: ",
		"<tr>":           "data: <tr>",
		"a\nb":           "data: a\ndata: b",
		"a\rb":           "data: a\ndata: b",
		"a\r\nb":         "data: a\ndata: \ndata: b",
		"\n\nevent: x":   "data: \ndata: \ndata: event: x",
		"서버\u2028\u0085": "data: 서버\u2028\u0085",
	} {
		s := &stream{sent: func(string) {}}
		if err := s.event(t.Context(), eventRow, "x.1", []byte(data)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("event: row\nid: x.1\n"+want+"\n\n", string(s.pending)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	}
}

// Who reads is told that there is somebody, and of many changes only what is so now.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w, f := newWall(t, 10, market(3)), newFakeViewer()
		ended := w.watch(ctx, "view=all", f)
		synctest.Wait()
		if got := f.all(); !strings.HasPrefix(got, "retry: 3000\n\n") || strings.Contains(got, "event: row") {
			t.Errorf("it begins with %q", got)
		}
		time.Sleep(commentEvery + 2*seenEvery)
		synctest.Wait()
		if got := strings.Count(f.all(), "\n:\n"); got != 1 {
			t.Errorf("in %s there are %d comments, want 1", commentEvery+2*seenEvery, got)
		}
		before := len(f.writes)
		for i := range 100 { // for 10 s
			w.down("shop-1", fmt.Sprint("reason ", i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(tellEvery)
		synctest.Wait()
		if got := strings.Count(f.all(), "event: row"); got > 21 || got < 15 {
			t.Errorf("of 100 changes in 10 s %d are told, want one each 500 ms", got)
		}
		for i, at := range f.writes[before+1:] {
			if apart := at.Sub(f.writes[before+i]); apart < tellEvery {
				t.Errorf("two writes are %s apart, want %s at least", apart, tellEvery)
			}
		}
		if !strings.Contains(f.all(), "reason 99") {
			t.Error("the last change is missing")
		}
		if got := strings.Count(f.all(), "event: seen"); got < 2 || got > 4 {
			t.Errorf("%d times it is told when the target was probed, want once each 5 s", got)
		}
		cancel()
		<-ended
		if n := w.viewers.Load(); n != 0 {
			t.Errorf("%d viewers are left", n)
		}
	})
}

// Who does not read holds what is being written, and is ended; Close does not wait for him.
func TestDeafViewers(t *testing.T) {
	// In Go 1.26 the runtime tells the race detector that a goroutine of a bubble waits after another thread may have woken it.
	// Of hundreds at once some are, and the detector fails: CHECK failed, tsan_rtl.cpp, kEpochLast.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, end := range map[string]func(w *wall) error{
		"by the deadline": func(*wall) error { time.Sleep(sendTime); return nil },
		"by Close":        func(w *wall) error { return w.pages.Live.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWall(t, 200, market(50))
				var deaf, others []chan struct{}
				ctx, cancel := context.WithCancel(t.Context())
				for i := range 200 {
					f := newFakeViewer()
					f.deaf = i%2 == 0
					if ended := w.watch(ctx, "view=all", f); f.deaf {
						deaf = append(deaf, ended)
					} else {
						others = append(others, ended)
					}
				}
				synctest.Wait()
				if n := w.viewers.Load(); n != 200 {
					t.Fatalf("there are %d viewers, want 200", n)
				}
				begun := time.Now()
				if err := end(w); err != nil {
					t.Errorf("the end: %v", err)
				}
				for _, ended := range deaf {
					<-ended
				}
				if took := time.Since(begun); took > sendTime {
					t.Errorf("it takes %s", took)
				}
				cancel()
				for _, ended := range others {
					<-ended
				}
				if err := w.pages.Live.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if n := w.viewers.Load(); n != 0 {
					t.Errorf("%d viewers are left", n)
				}
				f := newFakeViewer()
				<-w.watch(t.Context(), "view=all", f)
				if got := f.header.Get("Retry-After"); got != "30" {
					t.Errorf("one who comes after the end is told to come again after %q, want 30", got)
				}
			})
		})
	}
}

// Where there is no time to wait for viewers, and there are none, all is well.
func TestCloseWithoutTime(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // either could come first
		if err := newWall(t, 10, market(1)).pages.Live.Close(over); err != nil {
			t.Fatal(err)
		}
	}
}
