package history

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var errDown = errors.New("down")

// add adds one probe per letter: F is a failure, anything else a success.
func add(h *History, probes string) {
	for _, p := range probes {
		var r prober.Result
		if p == 'F' {
			r.Err = errDown
		}
		h.Add("http_2xx", "https://a.example/", r)
	}
}

// ids returns the IDs of the entries.
func ids(entries []Entry) []uint64 {
	var ids []uint64
	for i := range entries {
		ids = append(ids, entries[i].ID)
	}
	return ids
}

func TestWhatIsKept(t *testing.T) {
	for _, tc := range []struct {
		name   string
		limit  int
		probes string
		want   []uint64
	}{
		{"nothing yet", 3, "", nil},
		{"not full", 3, "sF", []uint64{2, 1}},
		{"just full", 3, "sFs", []uint64{3, 2, 1}},
		{"successes are forgotten", 3, "sssss", []uint64{5, 4, 3}},
		{"a failure outlives successes", 3, "Fsssssssss", []uint64{10, 9, 8, 1}},
		{"failures are bounded", 2, "FFFFFFFF", []uint64{8, 7, 6, 5}},
		{"between successes", 2, "FsFsFsFsss", []uint64{10, 9, 7, 5}},
		{"no failure twice", 3, "ssFFF", []uint64{5, 4, 3}},
		{"one", 1, "FsFs", []uint64{4, 3}},
		{"none", 0, "sFs", nil},
		{"less than none", -1, "sFs", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := New(tc.limit)
			add(h, tc.probes)
			if diff := cmp.Diff(tc.want, ids(h.List())); diff != "" {
				t.Errorf("IDs of List (-want +got):\n%s", diff)
			}
			for id := range uint64(len(tc.probes) + 2) {
				e, ok := h.Get(id)
				if want := slices.Contains(tc.want, id); ok != want {
					t.Errorf("Get(%d): found %t, want %t", id, ok, want)
				}
				if ok && e.ID != id {
					t.Errorf("Get(%d) has ID %d", id, e.ID)
				}
			}
		})
	}
}

// TestAgainstModel compares with the definition: the last limit, and of those before the last limit failures.
func TestAgainstModel(t *testing.T) {
	const limit = 5
	h := New(limit)
	var probes strings.Builder
	for i := range uint64(200) {
		p := "s"
		if i*i%7 < 3 || i%31 > 20 {
			p = "F"
		}
		add(h, p)
		probes.WriteString(p)

		var want []uint64
		failures := 0
		for id := i + 1; id > 0; id-- {
			switch {
			case i+1-id < limit:
				want = append(want, id)
			case probes.String()[id-1] == 'F' && failures < limit:
				failures++
				want = append(want, id)
			}
		}
		if diff := cmp.Diff(want, ids(h.List())); diff != "" {
			t.Fatalf("IDs after %s (-want +got):\n%s", probes.String(), diff)
		}
	}
}

// TestBudget adds far more than fits into memory. A reader of the history still finds the newest entry and, as long as there
// is room, every failure.
func TestBudget(t *testing.T) {
	const perEntry = 64 << 10
	result := func(failed bool) prober.Result {
		r := prober.Result{HTTP: &prober.HTTPResult{URL: strings.Repeat("u", perEntry)}}
		if failed {
			r.Err = errDown
		}
		return r
	}
	for _, tc := range []struct {
		name                string
		failed              func(i int) bool
		failures, successes int // at least
	}{
		{"successes alone", func(int) bool { return false }, 0, 120},
		{"failures alone", func(int) bool { return true }, 120, 0},
		{"failures at first", func(i int) bool { return i < 100 }, 100, 20},
		{"every tenth fails", func(i int) bool { return i%10 == 0 }, 100, 20},
		{"failures take all, then a success", func(i int) bool { return i < 999 }, 120, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := New(10_000)
			for i := range 1000 {
				h.Add("m", "t", result(tc.failed(i)))
			}
			list := h.List()
			bytes, failures := 0, 0
			for i := range list {
				bytes += list[i].size()
				if !list[i].Result.Success() {
					failures++
				}
			}
			if bytes > Budget || h.recent.bytes+h.failures.bytes != bytes {
				t.Errorf("%d bytes are kept, want at most %d; counted are %d", bytes, Budget, h.recent.bytes+h.failures.bytes)
			}
			if successes := len(list) - failures; failures < tc.failures || successes < tc.successes {
				t.Errorf("%d failures and %d successes are kept, want at least %d and %d", failures, successes, tc.failures, tc.successes)
			}
			if got := list[0].ID; got != 1000 {
				t.Errorf("the newest is %d, want 1000", got)
			}
			if _, ok := h.Get(list[len(list)-1].ID); !ok {
				t.Errorf("Get(%d) finds nothing", list[len(list)-1].ID)
			}
		})
	}
	t.Run("larger than all", func(t *testing.T) {
		h := New(10)
		h.Add("m", "t", prober.Result{HTTP: &prober.HTTPResult{URL: strings.Repeat("u", Budget)}})
		if got := ids(h.List()); len(got) != 1 { // no Result is as large
			t.Errorf("kept are %v, want the newest", got)
		}
	})
}

func TestEntry(t *testing.T) {
	for _, limit := range []int{0, 1} {
		h := New(limit)
		for want := uint64(1); want <= 3; want++ {
			if got := h.Add("m", "t", prober.Result{}); got != want {
				t.Errorf("limit %d: Add returned ID %d, want %d", limit, got, want)
			}
		}
	}
	h := New(1)
	id := h.Add("http_2xx", "https://a.example/", prober.Result{Attempts: 3, Reason: prober.ReasonStatus, Err: errDown})
	e, _ := h.Get(id)
	if e.Module != "http_2xx" || e.Target != "https://a.example/" || e.Result.Attempts != 3 || !errors.Is(e.Result.Err, errDown) {
		t.Errorf("Get(%d) = %+v, want what was added", id, e)
	}
}

func TestCopies(t *testing.T) {
	r := prober.Result{Events: []prober.Event{{Message: "Connected", Attrs: []slog.Attr{slog.Int("n", 1)}}}}
	h := New(1)
	id := h.Add("m", "t", r)
	r.Events[0].Message = "changed after Add"
	got, _ := h.Get(id)
	got.Result.Events[0].Attrs[0] = slog.String("n", "changed after Get")
	h.List()[0].Result.Events[0].Message = "changed after List"

	e, _ := h.Get(id)
	if ev := e.Result.Events[0]; ev.Message != "Connected" || ev.Attrs[0].Value.Int64() != 1 {
		t.Errorf("event is %v, want the one that was added", ev)
	}
}

// TestCloneForgetsNothing fails when prober.Result gets a slice, map or pointer that clone shares.
func TestCloneForgetsNothing(t *testing.T) {
	var r prober.Result
	fill(reflect.ValueOf(&r).Elem())
	c := clone(r)
	if diff := cmp.Diff(r, c, cmpopts.EquateErrors(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("clone (-want +got):\n%s", diff)
	}
	unshared(t, "Result", reflect.ValueOf(r), reflect.ValueOf(c))
}

// shared reports whether values of this type are never changed and may be shared.
func shared(typ reflect.Type) bool {
	switch typ {
	case reflect.TypeFor[slog.Value](), reflect.TypeFor[error]():
		return true
	}
	return typ.PkgPath() == "time" || typ.PkgPath() == "net/netip"
}

// fill makes every slice, map and pointer in v hold one element.
func fill(v reflect.Value) {
	if shared(v.Type()) {
		return
	}
	switch v.Kind() { //nolint:exhaustive // The others hold no reference.
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(f)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Interface:
		panic(fmt.Sprintf("do not know how to fill %s", v.Type()))
	}
}

// unshared reports the places where a and b refer to the same memory.
func unshared(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	if shared(a.Type()) {
		return
	}
	switch a.Kind() { //nolint:exhaustive // The others hold no reference.
	case reflect.Struct:
		for i := range a.NumField() {
			unshared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Pointer() == b.Pointer() {
			t.Errorf("clone shares %s", path)
			return
		}
		unshared(t, path+"[0]", a.Index(0), b.Index(0))
	case reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			t.Errorf("clone shares %s", path)
			return
		}
		unshared(t, path, a.Elem(), b.Elem())
	case reflect.Map:
		if a.Pointer() == b.Pointer() {
			t.Errorf("clone shares %s", path)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	const goroutines, probes, limit = 8, 200, 10
	h := New(limit)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			var last uint64
			for i := range probes {
				r := prober.Result{Events: []prober.Event{{Message: "Connected"}}}
				if i%3 == 0 {
					r.Err = errDown
				}
				id := h.Add("m", "t", r)
				if id <= last {
					t.Errorf("ID %d after %d", id, last)
				}
				last = id
				if e, ok := h.Get(id); ok {
					e.Result.Events[0].Message = "mine"
				}
				list := h.List()
				if len(list) > 2*limit || !slices.IsSortedFunc(list, func(a, b Entry) int { return int(b.ID) - int(a.ID) }) {
					t.Errorf("List has IDs %v, want at most %d, newest first", ids(list), 2*limit)
				}
				list[0].Result.Events[0].Message = "mine"
			}
		})
	}
	wg.Wait()
	if id := h.Add("m", "t", prober.Result{}); id != goroutines*probes+1 {
		t.Errorf("last ID is %d, want %d", id, goroutines*probes+1)
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, limit := range []int{10, 100_000} {
		b.Run(strconv.Itoa(limit), func(b *testing.B) {
			h := New(limit)
			for b.Loop() {
				h.Add("m", "t", prober.Result{Err: errDown})
			}
		})
	}
}
