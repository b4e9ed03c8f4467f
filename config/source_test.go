package config_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// mapping returns the map of the API of a configuration.
func mapping(t testing.TB, text string) *config.TargetMap {
	t.Helper()
	c, err := config.Parse("x.yml", []byte("modules: {m: {prober: http}}\ntarget_apis:\n- name: a\n  url: http://a/\n  map:\n    "+strings.ReplaceAll(text, "\n", "\n    ")))
	if err != nil {
		t.Fatal(err)
	}
	return c.TargetAPIs[0].Map
}

func TestTargetMap(t *testing.T) {
	const plain = "name: item.n\nurl: item.u"
	for _, tt := range []struct {
		name, text, body string
		want             []map[string]any
		err              string
	}{
		{name: "body is the list", text: plain, body: `[{"n": "a", "u": "b"}]`, want: []map[string]any{{"name": "a", "url": "b"}}},
		{name: "empty", text: plain, body: `[]`},
		{name: "no list", text: plain, body: `{}`, err: "the body is not a list"},
		{name: "items are no list", text: "items: body.x\n" + plain, body: `{"x": "y"}`, err: "items is of type string, want a list"},
		{name: "no items", text: "items: body.x\n" + plain, body: `{}`, err: "evaluating items: a key is missing"},
		{name: "optional items", text: "items: body.?x.orValue([])\n" + plain, body: `{}`},
		{name: "missing", text: plain, body: `[{"n": "a"}]`, err: `url: evaluating "item.u": a key is missing`},
		{
			name: "of a map", text: "items: \"body.map(k, {'n': k, 'u': body[k]})\"\n" + plain, body: `{"a": "b"}`,
			want: []map[string]any{{"name": "a", "url": "b"}},
		},
		{
			name: "numbers and nulls",
			text: plain + "\nenvironment: item.?e\ninterval: item.i\ntimeout: item.t\nnotification: item.o\nmodule: item.m\ndepends_on: item.d\nlabels:\n  rack: item.r\n  none: item.?none",
			body: `[{"n": 7, "u": "b", "i": 30, "t": 1.5, "o": 0, "m": null, "d": ["x"], "r": 12345678901}]`,
			want: []map[string]any{{
				"name": "7", "url": "b", "interval": "30s", "timeout": "1.5s", "notification": "off", "depends_on": []any{"x"}, "labels": map[string]any{"rack": "12345678901"},
			}},
		},
		{
			name: "notification", text: plain + "\nnotification: item.o",
			body: `[{"n": "a", "u": "b", "o": true}, {"n": "a", "u": "b", "o": "off"}, {"n": "a", "u": "b", "o": 1}, {"n": "a", "u": "b", "o": 0.0}]`,
			want: []map[string]any{
				{"name": "a", "url": "b", "notification": "on"},
				{"name": "a", "url": "b", "notification": "off"},
				{"name": "a", "url": "b", "notification": "on"},
				{"name": "a", "url": "b", "notification": "off"},
			},
		},
		{
			name: "strings", text: "name: item.n.lowerAscii()\nurl: '\"http://\" + item.h + \":\" + string(item.p)'", body: `[{"n": "A", "h": "h", "p": 8080}]`,
			want: []map[string]any{{"name": "a", "url": "http://h:8080"}},
		},
		{name: "type", text: "name: type(item)\nurl: item", body: `["x"]`, err: "got a result of type type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mapping(t, tt.text)
			var got []map[string]any
			items, body, err := split(t, m, tt.body)
			for _, item := range items {
				fields, fieldErr := m.Fields(t.Context(), body, item)
				got, err = append(got, fields), errors.Join(err, fieldErr)
			}
			switch {
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got error %v, want %s", err, tt.err)
				}
			case err != nil:
				t.Error(err)
			default:
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func split(t *testing.T, m *config.TargetMap, text string) (items []any, body *config.Document, err error) {
	t.Helper()
	body = records(t, text)
	found, err := m.Split(t.Context(), body)
	if err != nil {
		return nil, body, err
	}
	for i := range found.Len() {
		items = append(items, found.At(i))
	}
	return items, body, nil
}

func records(t *testing.T, text string) *config.Document {
	t.Helper()
	d, err := config.ParseRecords([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTargetMapEnds(t *testing.T) {
	m := mapping(t, "items: 'body.map(a, body.map(b, body.map(c, body.map(d, body.map(e, a + b + c + d + e)))))'\nname: item\nurl: item")
	body := records(t, "["+strings.Repeat("1,", 200)+"1]")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Split(ctx, body); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to end with its context", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 1)
	defer cancel()
	if _, err := m.Split(ctx, body); err == nil {
		t.Error("got nothing, want an error")
	}
}
