package alertsync

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

// later lets time pass.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.exporter.set(bundle(1, "live"))
		end := l.run()
		later(time.Second)
		l.wants(alertconf.InSync, 1, "")
		l.runs("# Written by healthcheck_exporter from base.yml, revision 1.")
		if got := l.file("channel-secrets/live"); got != canary("live")+"\n" {
			t.Errorf("the secret is %q", got)
		}
		for _, name := range []string{"alertmanager.yml", "channel-secrets/live", memoryFile} {
			if info, err := os.Stat(filepath.Join(l.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v, want mode 0600", name, info, err)
			}
		}

		l.exporter.set(bundle(2, "live", "dev"))
		later(DefaultInterval)
		l.wants(alertconf.InSync, 2, "")
		l.runs("hc-dev")

		b := bundle(3, "dev")
		b.Secrets["dev"] = canary("rotated")
		b.Secrets["nobody"] = canary("nobody")
		l.exporter.set(b)
		later(DefaultInterval)
		l.wants(alertconf.InSync, 3, "")
		if got := l.file("channel-secrets/dev") + l.file("channel-secrets/live") + l.file("channel-secrets/nobody"); got != canary("rotated")+"\n" {
			t.Errorf("the secrets are %q, want that of dev alone", got)
		}

		results, sent := l.exporter.count()
		_, loads := l.alertmanager.loaded()
		later(10 * time.Minute)
		resultsLater, sentLater := l.exporter.count()
		_, loadsLater := l.alertmanager.loaded()
		if sentLater != sent || loadsLater != loads {
			t.Errorf("nothing has changed: %d bundles were sent and %d loaded", sentLater-sent, loadsLater-loads)
		}
		if n := resultsLater - results; n < 10 || n > 21 {
			t.Errorf("the exporter was told %d times in 10 minutes, want once a minute at least", n)
		}
		end()
		l.clean()
	})
}

// clean looks for secrets where none may be.
func (l *lab) clean() {
	l.t.Helper()
	results, err := json.Marshal(l.exporter.results)
	if err != nil {
		l.t.Error(err)
	}
	for name, text := range map[string]string{
		"log": l.log.String(), "results": string(results), "configuration": l.file("alertmanager.yml"), "memory": l.file(memoryFile),
	} {
		if strings.Contains(text, "canary") {
			l.t.Errorf("the %s has a secret:\n%s", name, text)
		}
	}
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.exporter.set(bundle(1, "live"))
		defer l.run()()
		later(time.Second)
		before := l.file("alertmanager.yml")

		l.exporter.set(bundle(2, "live", "refuse"))
		later(DefaultInterval)
		l.wants(alertconf.ReloadFailed, 1, `am (0.25.0): undefined receiver "x"`)
		l.runs("revision 1.")
		if got := l.file("alertmanager.yml"); got != before {
			t.Errorf("the file is\n%s", got)
		}
		if got := l.file("channel-secrets/refuse"); got != "" {
			t.Errorf("the secret of a channel that is not in force is there: %q", got)
		}
		_, loads := l.alertmanager.loaded()
		later(time.Hour)
		if _, now := l.alertmanager.loaded(); now-loads < 20 || now-loads > 40 {
			t.Errorf("%d loads in an hour, want two every five minutes", now-loads)
		}
		l.wants(alertconf.ReloadFailed, 1, "undefined receiver")
		if n := strings.Count(l.log.String(), "The newest channels are not in force"); n != 1 {
			t.Errorf("it was logged %d times, want once:\n%s", n, l.log)
		}

		l.exporter.set(bundle(3, "live", "dev"))
		later(DefaultInterval)
		l.wants(alertconf.InSync, 3, "")
		l.runs("revision 3.")
		l.clean()
	})
}

// What is refused at first leaves nothing.
func TestRefusedAtFirst(t *testing.T) {
	l := newLab(t)
	l.exporter.set(bundle(1, "refuse"))
	s := l.open()
	standing, err := s.Once(t.Context())
	if err == nil || standing.State != alertconf.ReloadFailed {
		t.Errorf("got %+v, %v", standing, err)
	}
	l.wants(alertconf.ReloadFailed, 0, "undefined receiver")
	if got := l.file("alertmanager.yml") + l.file("channel-secrets/refuse"); got != "" {
		t.Errorf("it has left %q", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestWithoutExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.exporter.set(bundle(1, "live"))
		end := l.run()
		later(time.Second)
		l.exporter.be(true, false)
		l.alertmanager.be(false, "another")
		later(alertconf.LookInterval)
		l.runs("revision 1.")
		end()

		// Also if it is started while the exporter is away.
		l.alertmanager.be(true, "another")
		end = l.run()
		later(time.Minute)
		l.alertmanager.be(false, "another")
		later(time.Minute)
		l.runs("revision 1.")
		results, _ := l.exporter.count()
		l.exporter.be(false, false)
		later(DefaultInterval)
		if now, _ := l.exporter.count(); now == results {
			t.Error("the exporter was not told")
		}
		l.wants(alertconf.InSync, 1, "")
		end()
		if n := strings.Count(l.log.String(), "Asking the exporter for channels failed"); n != 2 {
			t.Errorf("it was logged %d times that the exporter is away, want once for each run:\n%s", n, l.log)
		}
	})
}

func TestUnknownBundle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.exporter.set(bundle(1, "live"))
		defer l.run()()
		later(time.Second)
		good := l.exporter.body
		for i, tc := range []struct{ name, body, want string }{
			{"a newer field", strings.Replace(string(good), `{`, `{"quiet":"canary-value",`, 1), `the bundle has "quiet", which this version does not know`},
			{"a newer field of a channel", strings.Replace(string(good), `"name":"live"`, `"name":"live","quiet":1`, 1), `the bundle has "quiet"`},
			{"a newer type", strings.Replace(string(good), "slack_webhook", "pigeon", 1), `channel "live" of the bundle: type: got "pigeon", want one of`},
			{"another shape", strings.Replace(string(good), `"secrets":{`, `"secrets":["canary-x"],"x":{`, 1), "the answer is not a bundle"},
			{"a page", "<html>canary-page", "the answer is not a bundle"},
			{"nothing", "", "the answer is not a bundle"},
			{"null", "null", "no base file"},
			{"two", string(good) + string(good), "more than a bundle"},
			{"cut", string(good[:len(good)/2]), "the answer is not a bundle"},
			{"no base", `{"revision":9,"channels":[],"secrets":{}}`, "no base file"},
			{"a base without a route for channels", strings.Replace(string(good), "receiver: healthcheck-channels", "receiver: other", 1), "no route has the receiver"},
		} {
			l.exporter.say(tc.body, `"x`+string(rune('a'+i))+`"`)
			later(DefaultInterval)
			t.Log(tc.name)
			l.wants(alertconf.NotLoaded, 1, tc.want)
			l.runs("revision 1.")
			if !strings.Contains(l.log.String(), "The newest channels are not in force") {
				t.Errorf("nothing was logged: %s", l.log)
			}
		}
		_, sent := l.exporter.count()
		later(10 * time.Minute)
		if _, now := l.exporter.count(); now != sent {
			t.Errorf("the same was fetched %d times more", now-sent)
		}
		l.exporter.set(bundle(2, "dev"))
		later(DefaultInterval)
		l.wants(alertconf.InSync, 2, "")
		l.clean()
	})
}

func TestFileChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.write("alertmanager.yml", "somebody's")
		l.exporter.set(bundle(1, "live"))
		defer l.run()()
		later(2 * time.Minute)
		l.wants(alertconf.FileChanged, 0, "it was changed by somebody else")
		if got := l.file("alertmanager.yml"); got != "somebody's" {
			t.Errorf("the file is %q", got)
		}

		move := func() {
			if err := os.Rename(filepath.Join(l.dir, "alertmanager.yml"), filepath.Join(l.dir, "moved")); err != nil {
				t.Error(err)
			}
		}
		move()
		later(time.Minute)
		l.wants(alertconf.InSync, 1, "")
		l.runs("revision 1.")

		l.write("alertmanager.yml", "an edit")
		later(time.Minute)
		l.wants(alertconf.FileChanged, 1, "it was changed by somebody else")
		move()
		later(time.Minute)
		l.wants(alertconf.InSync, 1, "")
		l.runs("revision 1.")
	})
}

func TestTemplateIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		b := bundle(1, "live")
		b.Base = strings.Replace(b.Base, templates, "healthcheck.tmpl", 1)
		l.exporter.set(b)
		defer l.run()()
		later(time.Minute)
		l.wants(alertconf.NotLoaded, 0, `healthcheck.tmpl": messages would fail`)
		l.write("healthcheck.tmpl", `{{ define "healthcheck.color" }}{{ end }}{{ define "healthcheck.title" }}{{ end }}{{ define "healthcheck.title_link" }}{{ end }}`+
			`{{ define "healthcheck.text" }}{{ end }}{{ define "healthcheck.headline" }}{{ end }}`)
		later(time.Minute)
		l.wants(alertconf.InSync, 1, "")
	})
}

// Alertmanager may be away when the channels change.
func TestAlertmanagerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.alertmanager.be(true, "")
		l.exporter.set(bundle(1, "live"))
		defer l.run()()
		later(time.Minute)
		l.wants(alertconf.Unreachable, 1, "connection refused")
		l.alertmanager.be(false, "")
		later(alertconf.LookInterval)
		l.wants(alertconf.InSync, 1, "")
	})
}

func TestExporterTakesNoResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.exporter.be(false, true)
		l.exporter.set(bundle(1, "live"))
		defer l.run()()
		later(time.Minute)
		l.runs("revision 1.")
		l.exporter.be(false, false)
		later(DefaultInterval)
		l.wants(alertconf.InSync, 1, "")
		for _, want := range []string{"Telling the exporter how Alertmanager is failed", "The exporter is told again"} {
			if n := strings.Count(l.log.String(), want); n != 1 {
				t.Errorf("%q was logged %d times, want once", want, n)
			}
		}
	})
}

// A Syncer that was killed may have left a configuration that Alertmanager refuses, and the exporter may be away.
func TestInterruptedWithoutExporter(t *testing.T) {
	for _, tc := range []struct{ name, file, runs, want string }{
		{"after it was loaded", "new", "new", "new"},
		{"before it was loaded", "new", "old", "old"},
		{"before it was refused", "hc-refuse", "old", "old"},
		{"before it was written", "old", "old", "old"},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t)
			l.exporter.be(true, false)
			l.alertmanager.be(false, tc.runs)
			l.write("alertmanager.yml", tc.file)
			l.write("alertmanager.yml.previous", "old")
			l.write("alertmanager.yml.12345", "left over")
			l.write(memoryFile+".12345", "left over")
			digest := alertconf.Digest([]byte(tc.file))
			if tc.file == "old" {
				digest = alertconf.Digest([]byte("new"))
			}
			kept, err := json.Marshal(kept{memoryFormat, 4, alertconf.Written{Digest: digest, Before: alertconf.Digest([]byte("old")), Changing: true}})
			if err != nil {
				t.Fatal(err)
			}
			l.write(memoryFile, string(kept))
			end := l.run()
			later(time.Minute)
			l.runs(tc.want)
			l.exporter.be(false, false)
			l.exporter.say("not yet", `"x"`)
			later(time.Minute)
			if got := l.exporter.last(); got.Standing.State != alertconf.NotLoaded || got.Revision != 4 {
				t.Errorf("the exporter was told %+v", got)
			}
			end()
			if left := l.file("alertmanager.yml.12345") + l.file(memoryFile+".12345"); left != "" {
				t.Errorf("%q is left over", left)
			}
			if strings.Contains(l.file(memoryFile), "changing") {
				t.Errorf("the change has not ended: %s", l.file(memoryFile))
			}
		})
	}
}

// A change that Alertmanager runs already was made, also if nobody could note that: its secrets stay. Of a change of secrets alone
// nobody knows whether it was made, so they are taken back.
func TestInterruptedAtTheEnd(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(config string) string
		want   string
	}{
		{"of the file, too", func(string) string { return "old" }, canary("live")},
		{"of secrets alone", func(config string) string { return config }, canary("before")},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t)
			l.exporter.be(true, false)
			config := "a_file: " + l.dir + "/channel-secrets/live"
			l.alertmanager.be(false, config)
			for _, dir := range []string{"channel-secrets", "channel-secrets.previous"} {
				if err := os.Mkdir(filepath.Join(l.dir, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			l.write("alertmanager.yml", config)
			l.write("channel-secrets/live", canary("live"))
			l.write("channel-secrets.previous/live", canary("before"))
			kept, err := json.Marshal(kept{memoryFormat, 4, alertconf.Written{Digest: alertconf.Digest([]byte(config)), Before: alertconf.Digest([]byte(tc.before(config))), Changing: true}})
			if err != nil {
				t.Fatal(err)
			}
			l.write(memoryFile, string(kept))
			end := l.run()
			later(time.Minute)
			end()
			l.runs(config)
			if got := l.file("channel-secrets/live"); got != tc.want || strings.Contains(l.file(memoryFile), "changing") {
				t.Errorf("%s: the secret is %q, want %q, and it remembers %s", tc.name, got, tc.want, l.file(memoryFile))
			}
		})
	}
}

func TestOpen(t *testing.T) {
	l := newLab(t)
	s := l.open()
	_, err := Open(Options{Place: alertconf.Place{Dir: l.dir}})
	if _, locked := errors.AsType[*alertconf.LockedError](err); !locked {
		t.Errorf("two may write to a directory: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"{", `{"format":2}`, ""} {
		l.write(memoryFile, text)
		if _, err := Open(Options{Place: alertconf.Place{Dir: l.dir}}); err == nil || !strings.Contains(err.Error(), "is damaged, or of a newer version") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	l.write(memoryFile, `{"format":1}`)
	s = l.open() // the lock was given back
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever Alertmanager does, the end does not take a second.
func TestEndsAtOnce(t *testing.T) {
	l := newLab(t)
	l.exporter.set(bundle(1, "live"))
	l.alertmanager.blocked, l.alertmanager.blocks = make(chan struct{}), make(chan struct{})
	s := l.open()
	defer func() {
		close(l.alertmanager.blocked)
		<-s.ended
	}()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	<-l.alertmanager.blocks
	began := time.Now()
	cancel()
	<-ended
	if took := time.Since(began); took > grace+10*time.Second || grace >= time.Second { // other programs may have the processors
		t.Errorf("it took %s to end, %s of which it waits", took, grace)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(Options{Place: alertconf.Place{Dir: l.dir}}); err == nil {
		t.Error("the lock was given up in the middle of a change")
	}
}
