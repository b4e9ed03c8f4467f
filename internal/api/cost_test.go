package api

import (
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board/boardtest"
)

// A query of any length says a bounded number of things.
func TestManyParameters(t *testing.T) {
	targets := targetsOf(boardtest.Chained(t, 2, 1))
	repeated := func(name string, value func(i int) string) url.Values {
		values := url.Values{}
		for i := range 5000 {
			values.Add(name, value(i))
		}
		return values
	}
	same := func(value string) func(int) string { return func(int) string { return value } }
	for name, tc := range map[string]struct {
		query url.Values
		err   string
		found int
	}{
		"states":           {repeated("state", same("up")), "", 0},
		"labels":           {repeated("label", same("team:shop")), "", 2},
		"different labels": {repeated("label", func(i int) string { return fmt.Sprintf("a%d:", i) }), "label is there 5000 times, want it 20 times at most", 0},
	} {
		list, err := targets.Select(tc.query, time.Now())
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%s: error is %v, want %q", name, err, tc.err)
			}
			continue
		}
		if err != nil || len(list.Targets) != tc.found {
			t.Errorf("%s: %d targets, %v; want %d", name, len(list.Targets), err, tc.found)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		targets := targetsOf(boardtest.Chained(b, n, 1))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := targets.Select(nil, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
