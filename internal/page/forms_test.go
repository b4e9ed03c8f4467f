package page

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

func TestAdd(t *testing.T) {
	d := deskOf(t)
	says(t, d.does("GET", "/add"), 200, `action="./targets"`, `name="url"`, `<option value="DEV">`, `<option value="websocket">`, "Add a target", "alice (edit)", "Empty: "+config.Duration(config.DefaultInterval).String()+".")
	// A URL alone is enough, and what it is called is proposed. The answer is the first probe.
	w := d.does("POST", "/targets", "url", " https://cart.example:8443/a/b/?q=1 ", "name", "", "labels", "team=cart\r\n\r\n a = b=c ", "depends_on", "shop\r\nx, y", "notification", "on")
	leads(t, w, "./targets/cart.example:8443-a-b?done=added")
	if got, want := string(d.notes.targets["cart.example:8443-a-b"].Definition), `{"depends_on":["shop","x, y"],"labels":{"a":"b=c","team":"cart"},"url":"https://cart.example:8443/a/b/?q=1"}`; got != want {
		t.Errorf("definition %s, want %s", got, want)
	}
	if want := []string{"cart.example:8443-a-b"}; !cmp.Equal(want, d.probed) || !d.notes.edits[0].If.Absent {
		t.Errorf("probed %q, want %q; %+v", d.probed, want, d.notes.edits[0].If)
	}
	// The same form once more does no harm. Another one of that name is told so beside the name.
	leads(t, d.does("POST", "/targets", "url", "https://cart.example:8443/a/b/?q=1", "labels", "team=cart\na=b=c", "depends_on", "shop\nx, y"), "./targets/cart.example:8443-a-b?done=added")
	says(t, d.does("POST", "/targets", "url", "https://cart.example:8443/a/b/"), 412, `<a href="#f-name">Name</a>: `, `value="cart.example:8443-a-b"`, "there is a target", `id="w-name"`)
	d.notes.fails = &managed.OwnedError{Name: "filed", Source: "file:x.yml"}
	says(t, d.does("POST", "/targets", "name", "filed", "url", "https://x/"), 409, `<a href="#f-name">`, "comes from file:x.yml; change it there", `value="https://x/"`)
}

// What was typed is kept, and each mistake is beside its field and in a summary that gets the focus.
func TestMistakes(t *testing.T) {
	d := deskOf(t)
	w := d.does("POST", "/targets", "url", `ftp://x/"><script>`, "name", "shop2", "interval", "7m", "labels", "team=\"a\"")
	says(t, w, 422, `<div class="wrong" role="alert" tabindex="-1" autofocus>`, `<a href="#f-url">URL</a>: <span lang="en">scheme is &#34;ftp&#34;`, `<a href="#f-labels">Labels</a>: <span lang="en">a~1b: is not a name`,
		`headers/Cookie: <span lang="en">credentials`, `<li><span lang="en">there is one target too many`,
		`aria-describedby="h-url w-url" aria-invalid="true"`, `id="w-url" lang="en">scheme is`, `value="ftp://x/&#34;&gt;&lt;script&gt;"`, `value="7m"`, "team=&#34;a&#34;</textarea>", "<title>Not saved: Add a target")
	if strings.Contains(w.Body.String(), "<script>") {
		t.Error("what was typed is not escaped")
	}
	says(t, d.does("POST", "/targets", "name", "x"), 422, `id="w-url"`, "Enter a URL with a host")
	says(t, d.does("POST", "/targets", "url", "nonsense"), 422, `value="nonsense"`, "Enter a URL with a host")
	says(t, d.does("POST", "/targets", "url", "http://x/", "labels", "a=b\nteam"), 422, `got &#34;team&#34;, want name=value`, "a=b\nteam</textarea>")
	says(t, d.does("POST", "/targets", "url", "http://x/", "labels", "a=b\na=c"), 422, `&#34;a&#34; is there twice`)
	// They are in the order of the form.
	d.notes.fails = &managed.InvalidError{What: "target", Problems: []managed.Problem{{Pointer: "/interval", Detail: "got x"}, {Pointer: "/headers", Detail: "is y"}, {Pointer: "/url", Detail: "is z"}}}
	body := d.does("POST", "/targets", "url", "http://wrong/").Body.String()
	if url, interval, headers := strings.Index(body, "is z"), strings.Index(body, "got x"), strings.Index(body, "is y"); url < 0 || url > interval || interval > headers {
		t.Errorf("the URL is at %d, the interval at %d, headers at %d", url, interval, headers)
	}
	// A name that was made from a wrong URL is made again from the right one.
	if strings.Contains(body, `value="wrong"`) {
		t.Error("the form has a name that nobody typed")
	}
	d.notes.fails = &managed.StoreError{Err: errors.New("disk full")}
	says(t, d.does("POST", "/targets", "url", "http://x/kept"), 503, "disk full. Nothing has changed", `value="http://x/kept"`)
	if len(d.probed) != 0 {
		t.Errorf("probed %q", d.probed)
	}
}

var (
	leadsTo = regexp.MustCompile(`href="#([^"]+)"`)
	hasID   = regexp.MustCompile(`id="([^"]+)"`)
)

// The summary of mistakes leads to the fields that it names.
func TestMistakesLead(t *testing.T) {
	d := deskOf(t)
	bad := func(pointer string) error {
		return &managed.InvalidError{What: "mute", Problems: []managed.Problem{{Pointer: pointer, Detail: "is wrong"}}}
	}
	for _, tt := range []struct {
		name, path string
		fails      error
		form       []string
	}{
		{"add", "/targets", bad("/interval"), []string{"url", "http://x/"}},
		{"edit", "/targets/shop", bad("/labels/x"), []string{"revision", "17", "url", "http://x/"}},
		{"mute for too long", "/targets/shop/mute", nil, []string{"other", "40d"}},
		{"mute for a long reason", "/targets/shop/mute", bad("/reason"), []string{"duration", "1h"}},
		{"maintenance until never", "/targets/shop/maintenance", bad("/until_healthy"), []string{"duration", "1h", "until_healthy", "yes"}},
		{"maintenance for too long", "/targets/shop/maintenance", bad("/duration"), []string{"duration", "1h"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.notes.fails = tt.fails
			body := d.does("POST", tt.path, tt.form...).Body.String()
			ids := map[string]bool{}
			for _, id := range hasID.FindAllStringSubmatch(body, -1) {
				ids[id[1]] = true
			}
			links := leadsTo.FindAllStringSubmatch(body, -1)
			if len(links) < 2 { // one skips to the content
				t.Errorf("the summary leads nowhere:\n%s", body)
			}
			for _, to := range links {
				if !ids[to[1]] {
					t.Errorf("a link leads to #%s, which is not there", to[1])
				}
			}
		})
	}
}

// Who may do nothing to a target sees what others did, and no promise.
func TestEditsForReaders(t *testing.T) {
	d := deskOf(t)
	says(t, d.does("GET", "/targets/shop"), 200, `<h2 id="actions">What you can do</h2>`, "<summary>Edits</summary>")
	d.who = access.Identity{}
	w := d.does("GET", "/targets/shop")
	says(t, w, 200, `<h2 id="actions">Edits</h2>`)
	if strings.Contains(w.Body.String(), "What you can do") {
		t.Error("the page tells of what nobody can do here")
	}
}

func TestEdit(t *testing.T) {
	d := deskOf(t)
	says(t, d.does("GET", "/targets/shop/edit"), 200, `action="../../targets/shop"`, `name="revision" value="17"`, `value="https://shop.example/"`, "team=shop\ntier=1</textarea>", `action="../../targets/shop/delete"`, "Edit shop",
		"has a target of the same name, and that one holds")
	form := []string{"revision", "17", "url", "https://shop.example/", "environment", "LIVE", "interval", "30s", "labels", "team=cart\nnew=x", "notification", "off", "module", "", "timeout", "", "depends_on", "", "runbook_url", ""}
	leads(t, d.does("POST", "/targets/shop", form...), "../targets/shop?done=changed")
	const want = `{"environment":"LIVE","headers":{"Accept":"text/plain"},"interval":"30s","labels":{"new":"x","team":"cart"},"notification":"off","url":"https://shop.example/","valid_status_codes":["2xx",404]}`
	if got := string(d.notes.targets["shop"].Definition); got != want {
		t.Errorf("definition %s, want %s", got, want)
	}
	// The same once more does no harm, although the revision is another now.
	leads(t, d.does("POST", "/targets/shop", form...), "../targets/shop?done=unchanged")
	if want := []string{"shop"}; !cmp.Equal(want, d.probed) {
		t.Errorf("probed %q, want %q", d.probed, want)
	}
	// Emptied fields are left out.
	leads(t, d.does("POST", "/targets/shop", "revision", "18", "url", "https://shop.example/", "notification", "on"), "../targets/shop?done=changed")
	if got, want := string(d.notes.targets["shop"].Definition), `{"headers":{"Accept":"text/plain"},"notification":"on","url":"https://shop.example/","valid_status_codes":["2xx",404]}`; got != want {
		t.Errorf("definition %s, want %s", got, want)
	}
	says(t, d.does("POST", "/targets/shop", "revision", "19", "url", "ftp://x/"), 422, `id="w-url"`, `value="ftp://x/"`, `value="19"`)
	says(t, d.does("POST", "/targets/shop", "url", "http://x/"), 400, "revision is missing")
	says(t, d.does("POST", "/targets/shop", "revision", "x", "url", "http://x/"), 400, "revision is missing or not a number")
	says(t, d.does("GET", "/targets/filed/edit"), 409, "comes from targets; change it there")
	says(t, d.does("GET", "/targets/nobody/edit"), 404, "there is no target")
	says(t, d.does("GET", "/targets/a%2Fb/edit"), 409, "../../assets/")
}

// Who was too late sees what the other one has changed, and may overwrite it.
func TestConflict(t *testing.T) {
	d := deskOf(t)
	leads(t, d.does("POST", "/targets/shop", "revision", "17", "url", "https://other.example/", "environment", "LIVE", "interval", "15s", "labels", "team=shop\ntier=1"), "../targets/shop?done=changed")
	late := []string{"url", "https://shop.example/", "environment", "LIVE", "interval", "1m", "labels", "team=shop\ntier=1"}
	w := d.does("POST", "/targets/shop", append(late, "revision", "17")...)
	says(t, w, 412, "<title>Not saved: Edit shop", "alice changed this at 2026-12-01 14:02:00 UTC", `name="revision" value="18"`, `<th scope="row">URL</th><td>https://other.example/</td><td>https://shop.example/</td>`,
		`<th scope="row">Interval</th><td>15s</td><td>1m</td>`, `value="1m"`, ">Overwrite</button>")
	if strings.Contains(w.Body.String(), `<th scope="row">Labels`) {
		t.Error("the page shows what is the same")
	}
	leads(t, d.does("POST", "/targets/shop", append(late, "revision", "18")...), "../targets/shop?done=changed")
}

func TestDelete(t *testing.T) {
	d := deskOf(t)
	says(t, d.does("POST", "/targets/shop/delete", "revision", "17"), 422, "Tick the box", `<details class="delete" open>`, `name="revision" value="17"`)
	d.notes.fails = &managed.InUseError{Name: "shop", Services: []string{"shop"}}
	says(t, d.does("POST", "/targets/shop/delete", "revision", "17", "confirm", "yes"), 409, "Restart service shop checks this target", `name="force"`)
	says(t, d.does("POST", "/targets/shop/delete", "revision", "16", "confirm", "yes"), 412, "bob changed it at")
	leads(t, d.does("POST", "/targets/shop/delete", "revision", "17", "confirm", "yes", "force", "yes"), "../../?done=deleted")
	says(t, d.does("GET", "/?done=deleted"), 200, `<p class="done" role="status">The target has been deleted.</p>`)
	says(t, d.does("POST", "/targets/nobody/delete", "revision", "17", "confirm", "yes"), 404, "there is no target")
}

func TestOperate(t *testing.T) {
	d := deskOf(t)
	d.who = access.Identity{Name: "ops", Role: access.Operate, Environments: []string{"LIVE"}, Listed: true}
	says(t, d.does("GET", "/targets/shop"), 200, `action="../targets/shop/mute"`, `action="../targets/shop/probe"`, "ends without a message", `name="until_healthy"`, "bob: changed it (interval)", "ops (operate)")
	leads(t, d.does("POST", "/targets/shop/mute", "duration", "4h", "other", "", "reason", "a disk"), "../../targets/shop?done=muted")
	leads(t, d.does("POST", "/targets/shop/mute", "duration", "4h", "other", "1d12h"), "../../targets/shop?done=muted")
	leads(t, d.does("POST", "/targets/shop/unmute"), "../../targets/shop?done=unmuted")
	leads(t, d.does("POST", "/targets/shop/maintenance?lang=ko", "duration", "20m", "until_healthy", "yes"), "../../targets/shop?done=maintained&lang=ko")
	leads(t, d.does("POST", "/targets/shop/end-maintenance"), "../../targets/shop?done=ended")
	leads(t, d.does("POST", "/targets/shop/end-maintenance"), "../../targets/shop?done=over")
	leads(t, d.does("POST", "/targets/shop/probe"), "../../targets/shop?done=probed")
	want := []string{
		"mute [{shop LIVE}] for 4h0m0s by ops: a disk false", "mute [{shop LIVE}] for 36h0m0s by ops:  false", "mute [{shop LIVE}]",
		"maintenance [{shop LIVE}] for 20m0s by ops:  true", "maintenance [{shop LIVE}]", "maintenance [{shop LIVE}]",
	}
	if diff := cmp.Diff(want, d.notes.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, other := range []string{"soon", "0s", "31d", "-1h", "5"} {
		says(t, d.does("POST", "/targets/shop/mute", "duration", "1h", "other", other, "reason", "kept"), 422, `<a href="#mute-other">`, `name="other" value="`+other+`"`, `value="kept"`, "at most 30 days", "<title>Not saved: Mute shop")
	}
	says(t, d.does("POST", "/targets/shop/mute"), 422, "at most 30 days")
	says(t, d.does("POST", "/targets/shop/mute", "until_healthy", "yes", "duration", "1h"), 400, `unknown parameter &#34;until_healthy&#34;`)
	says(t, d.does("POST", "/targets/a%2Fb/mute", "duration", "1h"), 403, "ops may operate targets of LIVE; a/b is in DEV")
	says(t, d.does("POST", "/targets/shp/mute", "duration", "1h"), 404, `href="../../targets/shop"`)
	d.notes.fails = &managed.TooManyError{RetryAfter: 5 * time.Second, Err: errors.New("probe now: once in 5 s per target")}
	w := d.does("POST", "/targets/shop/probe")
	says(t, w, 429, "once in 5 s")
	if got := w.Header().Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After %q, want 5", got)
	}
	d.notes.fails = &managed.InvalidError{What: "mute", Problems: []managed.Problem{{Pointer: "/reason", Detail: "is too long"}}}
	says(t, d.does("POST", "/targets/shop/mute", "duration", "1h", "reason", "x"), 422, `id="mute-r" lang="en">is too long`)
}

// Nobody sees a form who may not use it.
func TestFormsAreForWhoMayUseThem(t *testing.T) {
	for _, tc := range []struct {
		name     string
		who      access.Identity
		readOnly bool
		target   string
		has      []string
	}{
		{"nobody", access.Identity{Role: access.Read}, false, "shop", nil},
		{"reader", access.Identity{Name: "r", Role: access.Read}, false, "shop", nil},
		{"operator", access.Identity{Name: "o", Role: access.Operate}, false, "shop", []string{"/mute", "/probe"}},
		{"operator elsewhere", access.Identity{Name: "o", Role: access.Operate, Environments: []string{"DEV"}}, false, "shop", nil},
		{"editor", editor, false, "shop", []string{"/edit", "/mute", "/probe", "add"}},
		{"editor of a file's target", editor, false, "filed", []string{"/mute", "/probe", "add"}},
		{"editor, read-only", editor, true, "shop", []string{"/mute", "/probe"}},
		{"editor elsewhere", access.Identity{Name: "e", Role: access.Edit, Environments: []string{"DEV"}}, false, "shop", []string{"add"}},
		{"sync", access.Identity{Name: "s", Role: access.Sync}, false, "shop", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := deskOf(t)
			d.who = tc.who
			if tc.readOnly {
				d.notes.readOnly = managed.ErrReadOnly
			}
			body := d.does("GET", "/targets/"+tc.target).Body.String()
			for _, link := range []string{"/edit", "/mute", "/probe"} {
				if got := strings.Contains(body, `targets/`+tc.target+link+`"`); got != slices.Contains(tc.has, link) {
					t.Errorf("the page leads to %s: %t", link, got)
				}
			}
			if got := strings.Contains(body, `href="../add"`); got != slices.Contains(tc.has, "add") {
				t.Errorf("the page leads to add: %t", got)
			}
			if tc.target == "filed" {
				expect(t, "the page", body, "This target is from targets. Change it there.")
			}
			if tc.readOnly {
				says(t, d.does("GET", "/add"), 403, "read-only here")
				says(t, d.does("GET", "/targets/shop/edit"), 403, "read-only here")
				says(t, d.does("POST", "/targets/shop", "revision", "17", "url", "x"), 403, "read-only here")
			}
		})
	}
}

// Two who see another page are not told that theirs has not changed.
func TestPagesAreOfWhoLooks(t *testing.T) {
	d := deskOf(t)
	for _, path := range []string{"/", "/targets/shop"} {
		d.who = editor
		one := d.does("GET", path)
		d.who = access.Identity{Name: "bob", Role: access.Read}
		other := d.does("GET", path)
		if a, b := one.Header().Get("ETag"), other.Header().Get("ETag"); a == b || a == "" {
			t.Errorf("%s: ETags %s and %s", path, a, b)
		}
		if got := one.Header().Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
	}
}

// What no form of ours sends is refused, in the page's own words.
func TestStrangeForms(t *testing.T) {
	d := deskOf(t)
	says(t, d.does("POST", "/targets", "url", "http://x/", "evil", "1"), 400, `unknown parameter &#34;evil&#34;`)
	says(t, d.does("POST", "/targets", "url", "http://x/", "url", "http://y/"), 400, "url is there 2 times")
	says(t, d.does("POST", "/targets?evil=1", "url", "http://x/"), 400, `unknown parameter &#34;evil&#34;`)
	says(t, d.does("POST", "/targets?url=http://y/", "name", "x"), 400, `unknown parameter &#34;url&#34;`)
	says(t, d.does("POST", "/targets", "url", "http://x/", "name", strings.Repeat("x", maxForm)), 413, "too large")
	says(t, d.does("GET", "/targets/shop?done=<b>x"), 400, "done is &#34;&lt;b&gt;x&#34;, want one of")
	says(t, d.does("GET", "/?done=owned"), 400, "want one of")
	for _, kind := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain"} {
		r := httptest.NewRequestWithContext(access.With(context.Background(), editor), http.MethodPost, "/targets", strings.NewReader(`{"url":"http://x/"}`))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		d.mux.ServeHTTP(w, r)
		says(t, w, 415, "want a form as browsers send it")
	}
	if len(d.notes.edits) != 0 {
		t.Errorf("%d edits", len(d.notes.edits))
	}
	d.Editing = nil
	for _, path := range []string{"/targets", "/targets/shop", "/targets/shop/delete", "/targets/shop/mute", "/targets/shop/unmute", "/targets/shop/maintenance", "/targets/shop/end-maintenance", "/targets/shop/probe"} {
		says(t, d.does("POST", path), 503, "nothing can be edited here")
	}
}

// Where there is nothing yet, one field is enough to begin.
func TestFirstTarget(t *testing.T) {
	d := deskOf(t)
	d.inventory = newStage(t, "").inventory
	says(t, d.does("GET", "/"), 200, `action="./targets"`, `id="f-url" name="url"`)
	d.who = access.Identity{Role: access.Read}
	if body := d.does("GET", "/").Body.String(); strings.Contains(body, `action="./targets"`) || !strings.Contains(body, "https://shop.example.com/health") {
		t.Errorf("the page of a reader:\n%s", body)
	}
}

func TestNameFor(t *testing.T) {
	for text, want := range map[string]string{
		"https://shop.example.com/cart/health": "shop.example.com-cart-health", "http://127.0.0.1:80/": "127.0.0.1:80", "https://x/서버/1": "x-서버-1",
		"nonsense": "", "": "", "https://": "", "https://user:pw@x/a?q=s3cret#f": "x-a", "http://x/..": "x-..", "http://x/a%0Ab": "x-a\ufffdb",
		"http://x/" + strings.Repeat("가", 200): "x-" + strings.Repeat("가", 98),
	} {
		if got := nameFor(text); got != want {
			t.Errorf("%q is called %q, want %q", text, got, want)
		}
	}
}
