package managed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func (w *world) imports(t *testing.T, c Condition, mode Mode, text string, isYAML bool) (Report, error) {
	t.Helper()
	d, err := ParseDocument([]byte(text), isYAML)
	if err != nil {
		return Report{}, err
	}
	return w.Import(t.Context(), w.by(c), mode, d)
}

func TestImport(t *testing.T) {
	w := openWorld(t, t.TempDir())
	w.put(t, "shop", `{"url":"http://shop","interval":"15s"}`)
	w.put(t, "old", shop)
	w.put(t, "same", shop)
	text := `targets:
  - &shop {name: shop, url: "http://shop", interval: 30s, labels: {on: on, n: 1}}
  - {<<: *shop, name: cart, notification: off}
  - name: same
    url: https://shop.example.com/health
    environment: LIVE
`
	if _, err := w.imports(t, Condition{}, Replace, text, true); !is[*RequiredError](err) {
		t.Errorf("without a condition: %v", err)
	}
	if _, err := w.imports(t, Condition{Revisions: []uint64{2}}, Replace, text, true); !is[*ChangedError](err) {
		t.Errorf("with an old revision: %v", err)
	}
	report, err := w.imports(t, Condition{Revisions: []uint64{3}}, Replace, text, true)
	if err != nil {
		t.Fatal(problems(err))
	}
	want := Report{
		Created: []string{"cart"}, Deleted: []string{"old"}, Unchanged: 1, Revision: 4,
		Updated: []Difference{{Name: "shop", Changes: map[string][2]json.RawMessage{
			"interval": {json.RawMessage(`"15s"`), json.RawMessage(`"30s"`)}, "labels": {nil, json.RawMessage(`{"n":1,"on":"on"}`)},
		}}},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if w.changes != 4 {
		t.Errorf("%d merges, want 4", w.changes)
	}
	again, err := w.imports(t, Condition{}, Merge, text, true)
	if err != nil || again.Unchanged != 3 || again.Revision != 4 || len(again.Created)+len(again.Updated)+len(again.Deleted) > 0 || w.changes != 4 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	last := w.Edits("old", 1)
	if len(last) != 1 || last[0].Kind != KindImport || last[0].Action != Deleted || last[0].Revision != 4 {
		t.Errorf("audited: %+v", last)
	}
	w.services["cart"] = []string{"web"}
	if _, err := w.imports(t, overwrite, Replace, `{"targets":[]}`, false); !is[*InUseError](err) {
		t.Errorf("one in use: %v", err)
	}
	if d, _, _ := w.Export(); len(d.Targets) != 3 {
		t.Errorf("some were deleted all the same: %s", d.Targets)
	}
	w.owners["cart"] = "file:a.yml"
	if _, err := w.imports(t, Condition{}, Merge, `{"targets":[{"name":"cart","url":"http://x"}]}`, false); !is[*OwnedError](err) {
		t.Errorf("one of a file: %v", err)
	}
	if _, err := w.imports(t, Condition{}, Merge, text, true); err != nil {
		t.Errorf("one of a file that stays as it is: %v", err)
	}
}

func TestImportInvalid(t *testing.T) {
	many := `{"targets":[` + strings.Repeat(`{"name":"a"},`, maxDocumentTargets) + `{}]}`
	for _, tt := range []struct {
		name, text string
		yaml       bool
		want       []string
		say        string
	}{
		{"not JSON", "{\n\"targets\":[\n{]}", false, []string{""}, "line 3, column 2"},
		{"not YAML", "targets:\n - a\n- b: {", true, []string{""}, "not valid YAML"},
		{"empty YAML", "# nothing\n", true, []string{""}, "empty"},
		{"a list", "[]", false, []string{""}, `"targets"`},
		{"a list in YAML", "- a", true, []string{""}, `"targets"`},
		{"no targets", "{}", false, []string{"/targets"}, "missing"},
		{"no targets in YAML", "{}", true, []string{"/targets"}, "missing"},
		{"null", `{"targets":null}`, false, []string{"/targets"}, "missing"},
		{"null in YAML", `targets:`, true, []string{"/targets"}, "missing"},
		{"an unknown key", `{"targets":[],"channel":[]}`, false, []string{"/channel"}, "unknown key"},
		{"an unknown key in YAML", "targets: []\nchannel: []", true, []string{"/channel"}, "unknown key"},
		{"channels where there are none", `{"targets":[],"channels":[]}`, false, []string{"/channels"}, "channels are off here"},
		{"channels alone where there are none", "channels: []", true, []string{"/channels"}, "channels are off here"},
		{"channels that are no list", `{"channels":{}}`, false, []string{"/channels"}, "want a list"},
		{"a key twice", `{"targets":[],"targets":[]}`, false, []string{"/targets"}, "twice"},
		{"a key twice in YAML", "targets: []\ntargets: []", true, []string{"/targets"}, "twice"},
		{"a key of a target twice in YAML", "targets:\n- {name: a, url: http://a, url: http://b}", true, []string{"/targets/0/url"}, "line 2: is there twice"},
		{"too many", many, false, []string{"/targets"}, "more than 10000"},
		{"too many in YAML", many, true, []string{"/targets"}, "10000 at most"},
		{
			"all of all", `{"targets":[{"name":"a","url":"http://a"},{"url":"http://b"},5,{"name":"c","url":"ftp://c","x":1},{"name":"a","url":"http://d"},{"name":7}]}`, false,
			[]string{"/targets/1/name", "/targets/2", "/targets/3/url", "/targets/3/x", "/targets/4/name", "/targets/5/name"},
			`which is the name of /targets/0, too`,
		},
		{"a secret", "targets:\n- name: a\n  url: http://a\n  headers: {Authorization: s3cret}", true, []string{"/targets/0/headers/Authorization"}, "credentials"},
		{"a bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ntargets: [*f,*f]", true, nil, "aliases (*name) expanded there is too much"},
		{"a text many times", "a: &a " + strings.Repeat("x", 1<<20) + "\ntargets: [" + strings.Repeat("*a,", 9000) + "]", true, nil, "aliases (*name) expanded there is too much"},
		{"one that contains itself", "targets: &a [{name: a, labels: *a}]", true, nil, "nested too deeply"},
		{"one that merges itself", "targets: [&a {name: a, <<: *a}]", true, nil, ""},
		{"a merge of a text", "targets: [{name: a, <<: b}]", true, []string{"/targets/0"}, "merges"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openWorld(t, "")
			_, err := w.imports(t, Condition{}, Merge, tt.text, tt.yaml)
			text := problems(err)
			if got := found(err); tt.want != nil && !slices.Equal(got, tt.want) || got == nil || !strings.Contains(text, tt.say) {
				t.Errorf("got %q: %.2000s, want %q and %q", got, text, tt.want, tt.say)
			}
			if len(text) > 200_000 || strings.Contains(text, "s3cret") {
				t.Errorf("the error has %d bytes, or a secret", len(text))
			}
		})
	}
	w := openWorld(t, "")
	if _, err := w.Import(t.Context(), w.by(Condition{}), "exchange", documentOf()); !is[*InvalidError](err) {
		t.Errorf("a mode that does not exist: %v", err)
	}
	var wrong []string
	for range 3000 {
		wrong = append(wrong, `{"a":1,"b":2}`)
	}
	if _, err := w.Import(t.Context(), w.by(Condition{}), Merge, documentOf(wrong...)); strings.Count(problems(err), "{") > maxProblems+2 || !strings.Contains(problems(err), "more problems") {
		t.Errorf("thousands of problems: %.200s", problems(err))
	}
}

// awkward are definitions that YAML could read as something else.
var awkward = []string{
	`{"name":"true","url":"http://a","labels":{"on":"on","off":"off","n":"1","f":1.50,"g":-2.0e3,"e":"","d":"2027-01-01","q":"\"'#: &*!|>%@","null":"null"},"notification":"off"}`,
	`{"name":"1e3","url":"http://a","interval":"15s","valid_status_codes":[200,204,"300-399"],"maintenance":[{"times":[{"start_time":"09:00","end_time":"24:00"}],"years":["2027"]}]}`,
	`{"name":"서버 \u2713 a/b","url":"http://a?x=<&>","depends_on":["-","~","yes","=","<<"]}`,
	`{"name":"*x","url":"http://a","runbook_url":"https://wiki/a#b"}`,
}

// What is exported is imported as it was, as JSON and as YAML, and exported again as the same bytes.
func TestRoundTrip(t *testing.T) {
	w := openWorld(t, "")
	if _, err := w.Import(t.Context(), w.by(Condition{}), Merge, documentOf(awkward...)); err != nil {
		t.Fatal(problems(err))
	}
	d, revision, err := w.Export()
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := d.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"JSON": d.JSON(), "YAML": asYAML} {
		again, err := ParseDocument(text, name == "YAML")
		if err != nil {
			t.Fatalf("%s: %s\n%s", name, problems(err), text)
		}
		report, err := w.Import(t.Context(), w.by(Condition{Revisions: []uint64{revision}}), Replace, again)
		if err != nil || report.Unchanged != len(awkward) || report.Revision != revision {
			t.Errorf("%s: %+v, %s\n%s", name, report, problems(err), text)
		}
		if back, err := again.YAML(); err != nil || name == "YAML" && !bytes.Equal(back, text) {
			t.Errorf("%s: %v, other bytes:\n%s", name, err, cmp.Diff(string(text), string(back)))
		}
	}
}

// Ten thousand targets are read and written in a time that grows with their number alone: what is allocated does not grow faster.
func TestManyAreLinear(t *testing.T) {
	cost := func(n int) float64 {
		var d Document
		for i := range n {
			d.Targets = append(d.Targets, json.RawMessage(fmt.Sprintf(`{"name":"t%d","url":"http://a%[1]d/","labels":{"team":"shop"}}`, i)))
		}
		return testing.AllocsPerRun(1, func() {
			text, err := d.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParseDocument(text, true); err != nil || len(again.Targets) != n {
				t.Fatal(err)
			}
		})
	}
	if few, many := cost(500), cost(5000); many > 11*few {
		t.Errorf("500 targets allocate %v times, 5,000 %v times", few, many)
	}
}

func FuzzDocument(f *testing.F) {
	for _, text := range awkward {
		f.Add([]byte(`{"targets":["`+text+`]}`), false)
		f.Add([]byte("targets: [&a "+text+", {<<: *a, name: b}]"), true)
	}
	f.Add([]byte("targets:\n- a: !!binary aGk=\n  b: .inf\n  c: 0x10\n  d: 2027-01-01\n  ? [x]\n  : y"), true)
	f.Fuzz(func(t *testing.T, text []byte, isYAML bool) {
		d, err := ParseDocument(text, isYAML)
		if err != nil {
			if !is[*InvalidError](err) {
				t.Errorf("got %T", err)
			}
			return
		}
		var same Document
		for _, one := range d.Targets {
			if !json.Valid(one) {
				t.Fatalf("%q is not JSON", one)
			}
			if fields, problems := ReadObject(one, true); len(problems) == 0 {
				same.Targets = append(same.Targets, Encode(fields))
			}
		}
		asYAML, err := same.YAML()
		if err != nil {
			return // YAML cannot say it
		}
		again, err := ParseDocument(asYAML, true)
		if err != nil {
			t.Fatalf("%s\n%s", problems(err), asYAML)
		}
		for i, one := range again.Targets {
			if string(one) != string(same.Targets[i]) {
				t.Errorf("got %s, want %s, as YAML:\n%s", one, same.Targets[i], asYAML)
			}
		}
	})
}

// What JSON does not have as a whole number is the text that was written, as in a file of targets: a label keeps its value on the way.
func TestYAMLKeepsTexts(t *testing.T) {
	const text = "{name: shop, url: 'http://127.0.0.1:1/', labels: {a: 012, b: 0x10, c: 1_000, d: True, e: +5, f: 1.50, g: yes, h: 0o17, i: .5, j: true, k: 7}}"
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\ntargets: ["+text+"]"))
	if err != nil {
		t.Fatal(err)
	}
	w := openWorld(t, "")
	d, err := ParseDocument([]byte("targets: ["+text+"]"), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), w.by(Condition{}), Merge, d); err != nil {
		t.Fatal(problems(err))
	}
	supplied, wrong, err := w.Supplied(w.settings.Load().reader)
	if err != nil || len(wrong) > 0 || len(supplied) != 1 {
		t.Fatalf("supplied %v, problems %v, %v", supplied, wrong, err)
	}
	if diff := cmp.Diff(c.Targets[0].Labels, supplied[0].Labels); diff != "" {
		t.Errorf("labels (-in a file +imported):\n%s", diff)
	}
}
