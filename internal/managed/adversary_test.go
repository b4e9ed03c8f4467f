package managed

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// A secret that is refused is in no file, no error and no answer.
func TestNoSecretIsKept(t *testing.T) {
	const secret = "s3cret-s3cret-s3cret-s3cret"
	dir := t.TempDir()
	w := openWorld(t, dir)
	w.put(t, "shop", shop)
	for _, text := range []string{
		`{"url":"http://alice:` + secret + `@a/"}`,
		`{"url":"http://` + secret + `@a/"}`,
		`{"url":"ws://a/?token=` + secret + `"}`,
		`{"url":"http://a/?x=1;password=` + secret + `"}`,
		`{"url":"http://a/?` + secret + `"}`,
		`{"url":"http://a/#` + secret + `"}`,
		`{"url":"http://a","runbook_url":"https://bob:` + secret + `@wiki/"}`,
		`{"url":"http://a","headers":{"authorization":"Bearer ` + secret + `"}}`,
		`{"url":"http://a","headers":{"X-Any":["` + secret + `"]}}`,
		`{"url":"//` + secret + `@a"}`,
		`{"url":"http:` + secret + `@a"}`,
		`{"url":"http://a:` + secret + `/"}`,
		`{"url":"http://a/%zz?token=` + secret + `"}`,
		`{"url":{"` + "x" + `":"` + secret + `"}}`,
	} {
		_, err1 := w.Put(t.Context(), w.by(overwrite), "shop", []byte(text))
		_, err2 := w.Patch(t.Context(), w.by(overwrite), "shop", []byte(text))
		_, err3 := w.Import(t.Context(), w.by(overwrite), Merge, documentOf(`{"name":"shop",`+text[1:]))
		for _, err := range []error{err1, err2, err3} {
			if text := problems(err); !is[*InvalidError](err) || bytes.Contains([]byte(text), []byte(secret)) {
				t.Errorf("got %s", text)
			}
		}
	}
	for _, name := range []string{FileName, AuditName + ".jsonl"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(text, []byte("s3cret")) {
			t.Errorf("%s has the secret, or %v", name, err)
		}
	}
}

// A thousand targets under maintenance that fail and recover at once cost few transactions.
func TestManyObservations(t *testing.T) {
	w := openWorld(t, t.TempDir())
	var subjects []Subject
	for i := range 1000 {
		subjects = append(subjects, Subject{Name: string(rune('a'+i%26)) + time.Duration(i).String()})
	}
	p := &calendar.Period{End: time.Now().Add(time.Hour), UntilHealthy: true}
	if _, err := w.Set(t.Context(), w.by(Condition{}), Maintenance, subjects, p); err != nil {
		t.Fatal(err)
	}
	w.queue.turn <- struct{}{} // while the disk is slow
	at := time.Now()
	for _, s := range subjects {
		w.Observe(s.Name, false, at)
		w.Observe(s.Name, true, at.Add(time.Second))
		w.Observe(s.Name, true, at.Add(time.Hour/2))
	}
	file, ok := w.file.(*store.Store)
	if !ok {
		t.Fatalf("the file is a %T", w.file)
	}
	before := file.Transactions()
	<-w.queue.turn
	w.settle() // what tend has not taken yet
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	after := openWorld(t, w.options.Dir)
	if n := len(after.Overlays(Maintenance, at.Add(time.Hour/2))); n != 0 {
		t.Errorf("%d have not ended", n)
	}
	if n := after.state().Revision; n != 1001 {
		t.Errorf("revision %d, want one for each end", n)
	}
	if n := file.Transactions() - before; n > 2 {
		t.Errorf("%d transactions, want 2 at most", n)
	}
}
