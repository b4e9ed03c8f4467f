package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// found are the pointers of the problems of an error.
func found(err error) []string {
	e, ok := errors.AsType[*InvalidError](err)
	if !ok {
		return nil
	}
	var pointers []string
	for _, p := range e.Problems {
		pointers = append(pointers, p.Pointer)
	}
	slices.Sort(pointers)
	return slices.Compact(pointers)
}

func TestInvalid(t *testing.T) {
	deep := strings.Repeat("[", 30) + strings.Repeat("]", 30)
	for _, tt := range []struct {
		name, text string
		want       []string // pointers
		say        string
	}{
		{"not JSON", "{\"url\": \"http://a\",\n  oops}", []string{""}, "line 2, column 3: not valid JSON"},
		{"cut", `{"url":"http://a"`, []string{""}, "line 1, column 18: not valid JSON: unexpected end"},
		{"more", `{"url":"http://a"}{}`, []string{""}, "line 1, column 19: not valid JSON"},
		{"not UTF-8", "{\"url\":\"http://a\",\n\"environment\":\"\xff\"}", []string{""}, `line 2, column 16: has the byte \xff`},
		{"empty", ``, []string{""}, "line 1, column 1"},
		{"null", `null`, []string{""}, "got null, want a JSON object"},
		{"list", `[]`, []string{""}, "got a list, want a JSON object"},
		{"number", `1`, []string{""}, "got a number"},
		{"nothing", `{}`, []string{"/url"}, "missing"},
		{"a key twice", `{"url":"http://a","labels":{"a":"1","a":"2"},"url":"http://b"}`, []string{"/labels/a", "/url"}, "is there twice"},
		{"too deep", `{"url":"http://a","labels":{"a":` + deep + `}}`, []string{"/labels/a" + strings.Repeat("/0", 18)}, "nested too deeply"},
		{"too long", `{"url":"http://a","x":"` + strings.Repeat("x", maxDefinition) + `"}`, []string{""}, "want 65536 at most"},
		{"unknown key", `{"url":"http://a","intervall":"15s","a/b~c":1}`, []string{"/a~1b~0c", "/intervall"}, `did you mean "interval"?`},
		{"another name", `{"url":"http://a","name":"b"}`, []string{"/name"}, `want "shop", as in the path`},
		{"a name that is not a text", `{"url":"http://a","name":5}`, []string{"/name"}, `got 5`},
		{
			"all at once", `{"url":"ftp://a","timeout":"x","notification":"maybe","labels":{"job":"x","a b":"c"},"maintenance":[{"times":[{"start_time":"9"}]},null]}`,
			[]string{"/labels/a b", "/labels/job", "/maintenance/0/times/0/start_time", "/maintenance/1", "/notification", "/timeout", "/url"},
			"ftp",
		},
		{"times that do not fit", `{"url":"http://a","interval":"15s","timeout":"20s"}`, []string{"/timeout"}, "20s"},
		{"an unknown module", `{"url":"http://a","module":"nope"}`, []string{"/module"}, `unknown module "nope"`},
		{"too many labels", `{"url":"http://a","labels":{` + members(65, "l") + `}}`, []string{"/labels"}, "64"},
		{"too many headers", `{"url":"http://a","headers":{` + members(65, "Accept") + `}}`, nil, "64 at most"},
		{
			"a header that may be a secret", `{"url":"http://a","headers":{"Accept":"*/*","X-Api-Key":"s3cret","Cookie":"a=s3cret"}}`,
			[]string{"/headers/Cookie", "/headers/X-Api-Key"},
			"credentials belong into a module",
		},
		{"a user in the URL", `{"url":"http://alice:s3cret@a/"}`, []string{"/url"}, "credentials belong into a module"},
		{"a user in a URL that is not one", `{"url":"http://alice:s3cret%@a/"}`, []string{"/url"}, "credentials belong into a module"},
		{"a user in the runbook", `{"url":"http://a","runbook_url":"https://s3cret@wiki/"}`, []string{"/runbook_url"}, "credentials belong into a module"},
		{"a token in the query", `{"url":"http://a/?full=1&Access_Token=s3cret"}`, []string{"/url"}, "looks like a credential"},
		{"an encoded one", `{"url":"http://a/?api%5Fkey=s3cret"}`, []string{"/url"}, "looks like a credential"},
		{"a token alone", `{"url":"http://a/?s3cret-s3cret-s3cret-s3cret"}`, []string{"/url"}, "looks like a credential"},
		{"a token after the #", `{"url":"http://a/#token=s3cret"}`, []string{"/url"}, "looks like a credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openWorld(t, "")
			_, err := w.Put(t.Context(), w.by(Condition{}), "shop", []byte(tt.text))
			text := problems(err)
			if got := found(err); tt.want != nil && !slices.Equal(got, tt.want) || got == nil || !strings.Contains(text, tt.say) {
				t.Errorf("got %q: %s, want %q and %q", got, text, tt.want, tt.say)
			}
			if strings.Contains(text, "s3cret") && !strings.Contains(tt.name, "%") {
				t.Errorf("the secret is told: %s", text)
			}
		})
	}
}

func members(n int, name string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"%s%d":"x"`, name, i))
	}
	return strings.Join(all, ",")
}

// worldOf is open, with a configuration in which modules of blackbox_exporter may be.
func worldOf(t *testing.T, text string) *world {
	t.Helper()
	c, err := config.Options{IgnoreForeignModules: true}.Parse("test.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c.Managed.Targets = true
	w := newWorld(t, "", c)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	return w
}

// A module that was left out of the configuration is not unknown: it is in the file, for blackbox_exporter.
func TestModuleLeftOut(t *testing.T) {
	w := worldOf(t, "modules: {http_2xx: {prober: http}, ping: {prober: icmp}}")
	_, err := w.Put(t.Context(), w.by(Condition{}), "shop", []byte(`{"url":"http://a","module":"ping"}`))
	want := `got module "ping", which was left out: ` + config.NotWith + `"icmp"`
	if got := problems(err); !slices.Equal(found(err), []string{"/module"}) || !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAccepted(t *testing.T) {
	for _, text := range []string{
		`{"url":"http://a/?full=1&verbose&code=200&author=x"}`,
		`{"url":"http://a/","headers":{"accept":"*/*","User-Agent":"x","Host":"b"}}`,
		`{"url":"http://a/#top"}`,
		`{"url":"http://a/","valid_status_codes":[200,"300-399"],"interval":"1m30s","maintenance":[{"years":["2027"],"location":"Europe/Berlin"}]}`,
	} {
		w := openWorld(t, "")
		if out := w.put(t, "shop", text); string(out.Target.Definition) != string(definitionOf(text)) {
			t.Errorf("got %s, want %s", out.Target.Definition, text)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("語", maxName)
	for name, ok := range map[string]bool{
		"a": true, "https://a.example/x?y=1": true, "서버 1": true, "a%b": true, "a/../b": true, "...": true,
		strings.Repeat("a", maxName): true, "": false, ".": false, "..": false, " a": false, "a ": false, "a\u00a0": false, "a\nb": false,
		"a\x00": false, "\xff": false, "a\u202eb": false, "\u200b": false, strings.Repeat("a", maxName+1): false,
		strings.Repeat("😀", maxName): false, long: false, // more bytes than a label may have
	} {
		w := openWorld(t, t.TempDir())
		_, err := w.Put(t.Context(), w.by(Condition{}), name, []byte(shop))
		if ok && err != nil || !ok && !slices.Equal(found(err), []string{"/name"}) {
			t.Errorf("%q: got %s, want it to be valid: %t", name, problems(err), ok)
		}
	}
}

// What the rules deny is accepted with a warning: they may change, and are judged again when it is probed.
func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		name, rules, url string
		want             string // in the warning; "": there is none
	}{
		{"nothing is denied", "", "http://10.0.0.1/", ""},
		{"metadata", "", "http://169.254.169.254/", "metadata"},
		{"an address", "deny: [{cidr: 10.0.0.0/8}]", "http://10.0.0.1/", "denied by probe.deny"},
		{"a mapped address", "deny: [{cidr: 10.0.0.0/8}]", "http://[::ffff:10.0.0.1]/", "denied by probe.deny"},
		{"a name, which may lead anywhere", "deny: [{cidr: 10.0.0.0/8}]", "http://a.example/", ""},
		{"a name", "deny: [{host: '*.example'}]", "https://a.example/", "denied by probe.deny"},
		{"a port", "deny: [{ports: [443]}]", "wss://a.example/", "denied by probe.deny"},
		{"not among those allowed", "allow: [{host: b.example}]", "https://a.example/", "not among probe.allow"},
		{"perhaps among those allowed", "allow: [{cidr: 10.0.0.0/8}]", "https://a.example/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := worldOf(t, "modules: {http_2xx: {prober: http}, websocket: {prober: websocket}}\nprobe: {"+tt.rules+"}\n")
			out := w.put(t, "shop", fmt.Sprintf(`{"url":%q}`, tt.url))
			if got := strings.Join(out.Warnings, " "); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPointer(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "url": "/url", "labels.team": "/labels/team", "maintenance[0].times[12].start_time": "/maintenance/0/times/12/start_time",
		`labels["a/b~c.d[0]"]`: "/labels/a~1b~0c.d[0]", `headers["a\"b"].x`: `/headers/a"b/x`, `labels[""]`: "/labels/",
	} {
		if got := pointer(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// The patches of RFC 7396, appendix A.
func TestMergePatch(t *testing.T) {
	for _, tt := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		if got := string(Encode(mergePatch(decode([]byte(tt[0])), decode([]byte(tt[1]))))); got != tt[2] {
			t.Errorf("%s patched by %s: got %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

// What is read is written the same, and what is written is read as the same. The patch between two objects leads from one to the
// other.
func FuzzDefinition(f *testing.F) {
	for _, text := range []string{shop, `{"a":{"b":[1,2.50,1e3,null,{"c":null}]},"x":null}`, `{"a":"\ud800","a":1}`, `[[[`, "{\"a\":\"\xff\"}", `{"name":"x"}`} {
		f.Add([]byte(text), []byte(shop))
	}
	s := newSettings(editable(), 0)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		old, wrong := ReadObject(a, false)
		for _, p := range wrong {
			if p.Detail == "" || p.Pointer != "" && p.Pointer[0] != '/' {
				t.Errorf("the problem %+v", p)
			}
		}
		_, _ = s.written("x", a)
		now, wrong2 := ReadObject(b, false)
		if len(wrong)+len(wrong2) > 0 {
			return
		}
		if !json.Valid(a) {
			t.Fatalf("%q was read", a)
		}
		text := Encode(old)
		again, problems := ReadObject(text, false)
		if len(text) <= maxDefinition && (len(problems) > 0 || !bytes.Equal(Encode(again), text)) {
			t.Errorf("%s was read as %s, and then as %s, %v", a, text, Encode(again), problems)
		}
		patch := decode(Encode(difference(old, now)))
		if got := Encode(mergePatch(decode(text), patch)); !bytes.Equal(got, Encode(now)) {
			t.Errorf("%s patched by %s: got %s", text, Encode(patch), cmp.Diff(string(Encode(now)), string(got)))
		}
	})
}
