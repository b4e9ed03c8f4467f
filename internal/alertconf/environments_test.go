package alertconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironments(t *testing.T) {
	for _, tt := range []struct {
		name     string
		matchers []string
		want     []string
	}{
		{"none", nil, nil},
		{"of something else", []string{`team="shop"`}, nil},
		{"one", []string{`team="shop"`, `environment="DEV"`}, []string{"DEV"}},
		{"bare", []string{`environment=DEV`}, []string{"DEV"}},
		{"some", []string{`environment=~"STAGE|DEV"`}, []string{"DEV", "STAGE"}},
		{"of two matchers", []string{`environment="DEV"`, `environment=~"STAGE|DEV"`}, []string{"DEV", "STAGE"}},
		{"a pattern", []string{`environment=~"DEV|.*"`}, nil},
		{"a pattern of one letter", []string{`environment=~"DE."`}, nil},
		{"the lack of it", []string{`environment=""`}, nil},
		{"the lack of it, too", []string{`environment=~"DEV|"`}, nil},
		{"a group", []string{`environment=~"(DEV|LIVE)"`}, nil},
		{"flags", []string{`environment=~"(?i)dev"`}, nil},
		{"not", []string{`environment!="LIVE"`, `environment!~"LIVE|X"`}, nil},
		{"another case", []string{`Environment="DEV"`}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Channel{Matchers: tt.matchers}
			if diff := cmp.Diff(tt.want, c.Environments()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
