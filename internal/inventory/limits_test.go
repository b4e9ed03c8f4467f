package inventory

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// list returns a JSON list of n texts that item makes.
func list(n int, item func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = item(i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

// groupOf returns a group of Prometheus with so many targets and labels.
func groupOf(targets, labels int) string {
	return fmt.Sprintf(`[{"targets":%s,"labels":{%s}}]`, list(targets, func(i int) string { return fmt.Sprintf(`"h%d"`, i) }),
		strings.Trim(list(labels, func(i int) string { return fmt.Sprintf(`"l%d":"v"`, i) }), "[]"))
}

// aliases returns YAML of n targets, each of which has the value of anchor under its key.
func aliases(n int, anchor, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "targets:\n- {name: first, url: 'http://a/', %s: &x %s}\n", key, anchor)
	for i := range n {
		fmt.Fprintf(&b, "- {name: t%d, url: 'http://a/', %s: *x}\n", i, key)
	}
	return b.String()
}

func flowMap(n int) string {
	return "{" + strings.Trim(list(n, func(i int) string { return fmt.Sprintf("k%d: v", i) }), "[]") + "}"
}

// bombs are small documents that would take gigabytes if they were decoded, with the limit that stops each.
var bombs = map[string]struct{ text, want string }{
	"a group of many labels":              {groupOf(2000, 2000), "2000 labels for one target, want 64 at most"},
	"many labels for many targets":        {groupOf(40_000, 60), "with aliases and labels of groups expanded"},
	"many targets":                        {groupOf(maxTargets+1, 1), "50001 targets, want 50000 at most"},
	"many targets, each an item":          {list(maxTargets+1, func(int) string { return `{"name":"x"}` }), "50001 targets, want 50000 at most"},
	"aliases of labels":                   {aliases(20_000, flowMap(2000), "labels"), "with aliases and labels of groups expanded"},
	"aliases of headers":                  {aliases(20_000, flowMap(2000), "headers"), "with aliases and labels of groups expanded"},
	"headers":                             {aliases(2, flowMap(2000), "headers"), "2000 headers for one target, want 64 at most"},
	"aliases of a list":                   {aliases(20_000, list(5000, func(int) string { return "x" }), "depends_on"), "with aliases and labels of groups expanded"},
	"aliases of aliases":                  {"- &a [x,x,x,x,x,x,x,x,x,x]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n- &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n- &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n- &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n- &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n- [*f,*f,*f,*f,*f,*f,*f,*f]\n", "values"},
	"a long text for many targets":        {aliases(20_000, "'http://a/"+strings.Repeat("x", 4000)+"'", "runbook_url"), "bytes in the texts of its targets"},
	"many values in JSON":                 {"[" + strings.Repeat("[],", maxDocument/3-2) + "[]]", "values"},
	"many objects in JSON":                {"[" + strings.Repeat(`{"":0},`, maxDocument/7-2) + "{}]", "values"},
	"many members in JSON":                {"{" + strings.Repeat(`"":0,`, maxDocument/5-2) + `"targets":[]}`, "values"},
	"many values in one item":             {`[{"targets":[` + strings.Repeat(`"",`, 100_000) + `""]}]`, "values in one item of a list"},
	"deep JSON":                           {"[" + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "]", "levels of lists and mappings, want 20 at most"},
	"deep YAML":                           {strings.Repeat("- ", 9000) + "a", "levels of lists and mappings, want 20 at most"},
	"many values in YAML":                 {strings.Repeat("- a\n", maxDocument/4), "places where a value may begin"},
	"many values in a line of YAML":       {"- [" + strings.Repeat("a,", maxDocument/2-8) + "a]", "places where a value may begin"},
	"many empty values in a line of YAML": {"- x\n- [" + strings.Repeat("a: ,", maxDocument/4-8) + "a]", "places where a value may begin"},
}

// mostMemory bounds what reading the worst document allocates, freed or not, in bytes.
const mostMemory = 512 << 20

// A document over a limit costs little, and says which limit.
func TestLimits(t *testing.T) {
	r := reader(t)
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			d := &decoder{reader: r, mask: masked}
			var err error
			got := allocated(func() { err = d.file(t.Context(), []byte(bomb.text)) })
			if err == nil || !strings.Contains(err.Error(), bomb.want) {
				t.Errorf("got %v, want %s", err, bomb.want)
			}
			if got > mostMemory {
				t.Errorf("%d MB were allocated for %d kB, want %d MB at most", got>>20, len(bomb.text)>>10, mostMemory>>20)
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A source that exceeds a limit keeps its last answer and says so, whether it is a file or an API.
func TestSourceOverALimit(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.json")
	var answer atomic.Value
	good := `[{"targets": ["a"], "labels": {"target": "from the API"}}]`
	answer.Store(good)
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer.Load()) }))
	write(t, name, `[{"name": "from the file", "url": "http://a/"}]`)
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"']\ntarget_apis: [{name: x, url: '"+server.URL+"', format: http_sd}]")
	f.ask(t)
	want := []string{"from the API api:x", "from the file file:" + name}
	f.want(t, "at first", want...)
	answer.Store(groupOf(2000, 2000))
	write(t, name, groupOf(maxTargets+1, 1))
	f.ask(t)
	f.ask(t)
	f.want(t, "over a limit", want...)
	log := f.logged()
	for _, limit := range []string{"2000 labels for one target, want 64 at most", "50001 targets, want 50000 at most"} {
		if strings.Count(log, limit) != 1 {
			t.Errorf("the log lacks %q, or has it twice:\n%s", limit, log)
		}
	}
	answer.Store(good)
	f.ask(t)
	if log := f.logged(); !strings.Contains(log, "answers again") {
		t.Errorf("log: %s", log)
	}
}

// All files of a pattern share limits.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	f := keeper(t)
	write(t, dir+"/0", "[]")
	f.apply(t, "target_files: ['"+dir+"/*']")
	for i := range maxFiles {
		overwrite(t, fmt.Sprintf("%s/x%d", dir, i), "[]")
	}
	f.ask(t)
	if log := f.logged(); !strings.Contains(log, "1001 files, want 1000 at most") {
		t.Errorf("log: %s", log)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f = keeper(t)
	overwrite(t, dir+"/x0", groupOf(maxTargets-1, 0))
	overwrite(t, dir+"/x1", groupOf(2, 0))
	f.apply(t, "target_files: ['"+dir+"/*']")
	f.want(t, "too many in all")
	if log := f.logged(); !strings.Contains(log, "targets in all its files, want 50000 at most") {
		t.Errorf("log: %s", log)
	}
}

// The targets of a group share one set of labels, however many targets there are.
func TestGroupShares(t *testing.T) {
	r := reader(t)
	const targets = 5000
	var d *decoder
	text := []byte(groupOf(targets, config.MaxLabels))
	if err := (&decoder{reader: r, mask: masked}).file(t.Context(), text); err != nil { // what is made once is made
		t.Fatal(err)
	}
	allocate := func(labels int) uint64 {
		return allocated(func() {
			d = &decoder{reader: r, mask: masked}
			if err := d.file(t.Context(), []byte(groupOf(targets, labels))); err != nil || len(d.targets) != targets {
				t.Fatal(err, len(d.targets))
			}
			Merge(&config.Config{}, []Part{{Targets: d.targets}}, masked)
		})
	}
	if none, many := allocate(0), allocate(config.MaxLabels); many > none+none/2 {
		t.Errorf("%d bytes with labels, and %d without", many, none)
	}
}

// Problems with targets are kept and logged within bounds, however many there are.
func TestManyProblems(t *testing.T) {
	const many = 5000
	text := list(many, func(i int) string {
		return fmt.Sprintf(`{"name":"t%d","url":"http://a/","module":%q}`, i, strings.Repeat("x\u202e", 100))
	})
	name := filepath.Join(t.TempDir(), "a.json")
	write(t, name, text)
	f := keeper(t)
	f.apply(t, "target_files: ['"+name+"']")
	s := f.sources[0]
	size := 0
	for _, err := range s.problems() {
		size += len(err.Error())
	}
	if s.wrong() != many || len(s.problems()) != maxProblems || size > maxProblems*1300 {
		t.Errorf("%d problems are wrong, %d are kept with %d bytes", s.wrong(), len(s.problems()), size)
	}
	log := f.logged()
	if !strings.Contains(log, fmt.Sprint("count=", many)) || len(log) > 50_000 || strings.Contains(log, "\u202e") {
		t.Errorf("the log has %d bytes:\n%.2000s", len(log), log)
	}
}

// Decoding a document ends with its context.
func TestDecodeEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, text := range map[string]string{"JSON": plainList(10), "YAML": "- {name: a}", "group": groupOf(3, 1)} {
		d := &decoder{reader: reader(t), mask: masked}
		if err := d.file(ctx, []byte(text)); err == nil || !strings.Contains(err.Error(), "context canceled") || d.read > 0 {
			t.Errorf("%s: got %v after %d targets", name, err, d.read)
		}
	}
}
