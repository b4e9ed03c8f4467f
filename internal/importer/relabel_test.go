package importer

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestRelabel(t *testing.T) {
	before := map[string]string{"__address__": "api;LIVE;http://a/", "host": "Shop", "port": "80", "__meta_team": "x", "__meta_dc": "eu", "a": "1", "b": "1"}
	for _, tt := range []struct {
		name, rules string
		want        map[string]string // what is other than before; empty: gone
		dropped     bool
		err         string
	}{
		{name: "copy", rules: "[{source_labels: [host], target_label: name}]", want: map[string]string{"name": "Shop"}},
		{name: "separator", rules: "[{source_labels: [host, port], separator: ':', target_label: name}]", want: map[string]string{"name": "Shop:80"}},
		{name: "groups", rules: "[{source_labels: [__address__], regex: '(.*);(.*);(.*)', target_label: env, replacement: '${2}!'}]", want: map[string]string{"env": "LIVE!"}},
		{name: "anchored", rules: "[{source_labels: [host], regex: Sho, target_label: name, replacement: x}]"},
		{name: "constant", rules: "[{target_label: team, replacement: x}]", want: map[string]string{"team": "x"}},
		{name: "name from a group", rules: "[{source_labels: [host], regex: '(.*)', target_label: 'is_$1', replacement: 'yes'}]", want: map[string]string{"is_Shop": "yes"}},
		{name: "empty", rules: "[{target_label: host, replacement: ''}]", want: map[string]string{"host": ""}},
		{name: "keep", rules: "[{source_labels: [host], regex: 'S.*', action: keep}]"},
		{name: "not kept", rules: "[{source_labels: [nobody], regex: x, action: keep}]", dropped: true},
		{name: "drop", rules: "[{source_labels: [host], regex: Shop, action: drop}]", dropped: true},
		{name: "not dropped", rules: "[{source_labels: [host], regex: x, action: Drop}]"},
		{name: "equal", rules: "[{source_labels: [a], target_label: b, action: keepequal}]"},
		{name: "equal, dropped", rules: "[{source_labels: [a], target_label: b, action: dropequal}]", dropped: true},
		{name: "not equal", rules: "[{source_labels: [a], target_label: host, action: dropequal}]"},
		{name: "not equal, dropped", rules: "[{source_labels: [a], target_label: host, action: keepequal}]", dropped: true},
		{name: "case", rules: "[{source_labels: [host], target_label: l, action: lowercase}, {source_labels: [host], target_label: u, action: uppercase}]", want: map[string]string{"l": "shop", "u": "SHOP"}},
		{name: "map", rules: "[{regex: '__meta_(.+)', action: labelmap}]", want: map[string]string{"team": "x", "dc": "eu"}},
		{name: "labeldrop", rules: "[{regex: '__meta.*', action: labeldrop}]", want: map[string]string{"__meta_team": "", "__meta_dc": ""}},
		{name: "labelkeep", rules: "[{regex: '__.*|host', action: labelkeep}]", want: map[string]string{"a": "", "b": "", "port": ""}},
		// As Prometheus does: the last 8 bytes of the MD5 sum of "Shop" modulo 1000.
		{name: "hash", rules: "[{source_labels: [host], modulus: 1000, target_label: n, action: hashmod}]", want: map[string]string{"n": "251"}},
		{name: "the first that drops ends it", rules: "[{target_label: x, replacement: y}, {regex: '.*', action: drop}, {target_label: z, replacement: y}]", dropped: true},
		{name: "unknown action", rules: "[{action: explode}]", err: `the action "explode" is not known`},
		{name: "no modulus", rules: "[{action: hashmod}]", err: "lacks something"},
		{name: "bad regex", rules: "[{regex: '(CANARY'}]", err: "regex is not a regular expression"},
		{name: "bad keys", rules: "[{source_labels: CANARY}]", err: "want a mapping with the keys of Prometheus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var rules []rule
			err := yaml.Unmarshal([]byte(tt.rules), &rules)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "CANARY") {
					t.Errorf("got error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, want := maps.Clone(before), maps.Clone(before)
			if kept := relabel(rules, got); kept == tt.dropped {
				t.Errorf("it is kept: %t, want %t", kept, !tt.dropped)
			}
			if tt.dropped {
				return
			}
			for name, v := range tt.want {
				set(want, name, v)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}
