package config

import (
	"reflect"
	"testing"
)

func TestClosest(t *testing.T) {
	module, http := keysOf(reflect.TypeFor[Module]()), keysOf(reflect.TypeFor[HTTP]())
	tests := []struct {
		keys          structKeys
		unknown, want string
	}{
		{http, "methode", "method"},
		{http, "Method", "method"},
		{http, "valid_status_code", "valid_status_codes"},
		{http, "bassic_auth", "basic_auth"},
		{http, "follow_redirect", "follow_redirects"},
		{http, "x", ""},
		{http, "", ""},
		{module, "tcp", ""},
		{module, "timout", "timeout"},
		{module, "htpt", "http"},
		{module, "retrydelay", "retry_delay"},
	}
	for _, tt := range tests {
		t.Run(tt.unknown, func(t *testing.T) {
			if got := tt.keys.closest(tt.unknown); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEditDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"ca", "abc", 3}} {
		if got := editDistance(tt.a, tt.b, 100); got != tt.want {
			t.Errorf("%q to %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		path, outer string
		want        bool
	}{
		{"a.b", "a", true},
		{"a[0]", "a", true},
		{"a", "a", true},
		{"a", "", true},
		{"ab", "a", false},
		{"a", "a.b", false},
	} {
		if got := within(tt.path, tt.outer); got != tt.want {
			t.Errorf("%q in %q: got %t, want %t", tt.path, tt.outer, got, tt.want)
		}
	}
}
