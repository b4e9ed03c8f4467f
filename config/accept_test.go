package config

import "testing"

func TestAcceptsEncoding(t *testing.T) {
	tests := []struct {
		header, coding string
		want           bool
	}{
		{"gzip", "gzip", true},
		{"GZIP", "gzip", true},
		{"x-gzip", "gzip", true},
		{"br, gzip", "gzip", true},
		{"br,gzip", "gzip", true},
		{"br", "gzip", false},
		{"gzip;q=0", "gzip", false},
		{"gzip; q=0.000", "gzip", false},
		{"gzip;q=0.001", "gzip", true},
		{"gzip;Q=1.0", "gzip", true},
		{"gzip;q=1.1", "gzip", false},
		{"gzip;q=-1", "gzip", false},
		{"gzip;q=nan", "gzip", false},
		{"gzip;q=much", "gzip", false},
		{"gzip;level=9", "gzip", false},
		{"*", "gzip", true},
		{"*;q=0", "gzip", false},
		{"*;q=0, gzip", "gzip", true},
		{"gzip;q=0, *", "gzip", false},
		{"br, *;q=0.1", "gzip", true},
		{"", "gzip", false},
		{"", "identity", true},
		{"gzip", "identity", true},
		{"gzip, *;q=0", "identity", false},
		{"gzip, identity;q=0", "identity", false},
		{"identity;q=0.5, *;q=0", "identity", true},
		{"identity", "gzip", false},
	}
	for _, tt := range tests {
		t.Run(tt.coding+" in "+tt.header, func(t *testing.T) {
			if got := AcceptsEncoding(tt.header, tt.coding); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}
