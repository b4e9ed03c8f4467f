package collector

import (
	"testing"
	"time"
)

func TestFromNow(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{0, "in 0 hours"},
		{90 * time.Minute, "in 1 hour"},
		{23*time.Hour + 59*time.Minute, "in 23 hours"},
		{24 * time.Hour, "in 1 day"},
		{49 * time.Hour, "in 2 days"},
		{-5 * time.Hour, "5 hours ago"},
		{-30 * time.Hour, "1 day ago"},
		{-100 * 24 * time.Hour, "100 days ago"},
	} {
		if got := fromNow(tc.d); got != tc.want {
			t.Errorf("fromNow(%s) is %q, want %q", tc.d, got, tc.want)
		}
	}
}
