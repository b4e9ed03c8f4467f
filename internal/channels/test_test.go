package channels

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// known is a set of channels that can be found.
type known map[string]Channel

func (k known) find(name string) (Channel, error) {
	if c, ok := k[name]; ok {
		return c, nil
	}
	return Channel{}, &MissingError{Name: name}
}

// slack is a channel of this name.
func slack(name string, matchers ...string) Channel {
	return Channel{Channel: alertconf.Channel{Name: name, Kind: alertconf.SlackWebhook, Enabled: true, Matchers: matchers}}
}

func TestTests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := known{"live": slack("live", `environment="LIVE"`, `team=~"shop|cart"`, `zone=""`, `alertname!="X"`), "slow": slack("slow", `alertname="HealthcheckTargetSlow"`)}
		var sent []TestAlert
		tests := newTests(all.find, func(_ context.Context, a TestAlert, tell func(Hop)) error {
			sent = append(sent, a)
			time.Sleep(time.Second)
			tell(Hop{Name: "taken", OK: true})
			time.Sleep(time.Second)
			tell(Hop{Name: "ended", OK: a.Receiver == "hc-live"})
			return nil
		})
		began := time.Now().UTC()
		if got, err := tests.Start("live", "alice"); err != nil || cmp.Diff(Test{Channel: "live", By: "alice", Started: began, Hops: []Hop{}}, got) != "" {
			t.Errorf("a test that begins is %+v, %v", got, err)
		}
		if _, err := tests.Start("gone", "alice"); !isMissing(err) {
			t.Errorf("a channel that there is not: %v", err)
		}
		for after, want := range []Test{
			{Channel: "live", By: "alice", Started: began, Hops: []Hop{}},
			{Channel: "live", By: "alice", Started: began, Hops: []Hop{{Name: "taken", OK: true}}},
			{Channel: "live", By: "alice", Started: began, Ended: began.Add(2 * time.Second), OK: true, Hops: []Hop{{Name: "taken", OK: true}, {Name: "ended", OK: true}}},
		} {
			synctest.Wait()
			got, ok := tests.Last("live")
			if diff := cmp.Diff(want, got); diff != "" || !ok {
				t.Errorf("after %d s (-want +got):\n%s", after, diff)
			}
			time.Sleep(time.Second)
		}
		if _, err := tests.Start("slow", "bob"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got, _ := tests.Last("slow"); got.OK || got.Ended.IsZero() {
			t.Errorf("with a hop that fails it is %+v", got)
		}
		want := []TestAlert{
			{map[string]string{"alertname": "HealthcheckTargetDown", "environment": "LIVE", "healthcheck_test": "true", "healthcheck_channel": "live"}, "hc-live", "alice is testing the channel live. Nothing is wrong."},
			{map[string]string{"alertname": "HealthcheckTargetDown", "healthcheck_test": "true", "healthcheck_channel": "slow"}, "hc-slow", "bob is testing the channel slow. Nothing is wrong."},
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*MissingError](err)
	return ok
}

// Why nothing was sent is told; a test that told nothing is not one that came through.
func TestTestsFail(t *testing.T) {
	for text, err := range map[string]error{"no Alertmanager answers": errors.New("no\nAlertmanager answers"), "": nil} {
		synctest.Test(t, func(t *testing.T) {
			tests := newTests(known{"live": slack("live")}.find, func(context.Context, TestAlert, func(Hop)) error { return err })
			if _, err := tests.Start("live", "alice"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got, _ := tests.Last("live"); got.OK || got.Error != text || got.Ended.IsZero() {
				t.Errorf("got %+v, want that it ended with %q", got, text)
			}
		})
	}
}

// There is one test of a channel at a time, and four of all.
func TestTestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := known{}
		for i := range maxTests + 1 {
			all[strconv.Itoa(i)] = slack(strconv.Itoa(i))
		}
		tests := newTests(all.find, func(context.Context, TestAlert, func(Hop)) error {
			time.Sleep(time.Minute)
			return nil
		})
		for i := range maxTests + 1 {
			_, err := tests.Start(strconv.Itoa(i), "alice")
			if want := i == maxTests; tooManyFor(err) != want {
				t.Errorf("test %d of all: %v, want it refused: %v", i, err, want)
			}
		}
		_, err := tests.Start("0", "bob")
		if !tooManyFor(err) || !strings.Contains(err.Error(), `"0"`) {
			t.Errorf("a second one of a channel: %v, want that it is too early", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := tests.Start("0", "bob"); err != nil {
			t.Errorf("after the end: %v", err)
		}
		if got, _ := tests.Last("0"); got.By != "bob" {
			t.Errorf("the last test is of %s, want bob", got.By)
		}
		time.Sleep(time.Minute)
	})
}

func tooManyFor(err error) bool {
	many, ok := errors.AsType[*managed.TooManyError](err)
	return ok && many.RetryAfter > 0
}

// A test says nothing of a channel whose messages go another way since, and is not kept for one that is gone.
func TestTestsOfChangedChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := known{"live": slack("live", `environment="LIVE"`), "other": slack("other")}
		tests := newTests(all.find, func(_ context.Context, _ TestAlert, tell func(Hop)) error {
			tell(Hop{OK: true})
			return nil
		})
		if _, err := tests.Start("live", "alice"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := all["live"]
		for _, tc := range []struct {
			name   string
			change func(*Channel)
			want   bool
		}{
			{"as it was", func(*Channel) {}, true},
			{"off", func(c *Channel) { c.Enabled = false; c.Revision++; c.Updated.By = "bob" }, true},
			{"without ends", func(c *Channel) { c.SendResolved = true }, true},
			{"for others", func(c *Channel) { c.Matchers = nil }, false},
			{"another kind", func(c *Channel) { c.Kind = alertconf.SlackBot }, false},
			{"somewhere else", func(c *Channel) { c.URL = "x" }, false},
			{"another secret", func(c *Channel) { c.Secret.UpdatedAt = time.Now() }, false},
			{"another channel", func(c *Channel) { c.Created.At = time.Now() }, false},
		} {
			now := before
			tc.change(&now)
			all["live"] = now
			if _, ok := tests.Last("live"); ok != tc.want {
				t.Errorf("%s: it has a test: %v, want %v", tc.name, ok, tc.want)
			}
		}
		maps.DeleteFunc(all, func(name string, _ Channel) bool { return name == "live" })
		if _, ok := tests.Last("live"); ok {
			t.Error("a channel that is gone has a test")
		}
		if _, err := tests.Start("other", "alice"); err != nil || len(tests.last) != 1 {
			t.Errorf("%d tests are kept, %v, want that of the channel that there is", len(tests.last), err)
		}
	})
}

// Close cuts tests short, waits for the ends of their alerts, and lets none begin. It does not wait for ever.
func TestTestsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		tests := newTests(known{"live": slack("live"), "late": slack("late")}.find, func(ctx context.Context, _ TestAlert, tell func(Hop)) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second)
			tell(Hop{Name: "ended", OK: true})
			ended++
			return nil
		})
		if _, err := tests.Start("live", "alice"); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tests.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after a second: %v, want that it does not wait longer", err)
		}
		<-short.Done()
		if err := newTests(nil, nil).Close(short); err != nil {
			t.Errorf("without a test, after the time is up: %v", err)
		}
		if err := tests.Close(t.Context()); err != nil || ended != 1 {
			t.Errorf("Close returns %v when %d have ended, want 1", err, ended)
		}
		if got, _ := tests.Last("live"); got.OK || got.Error == "" {
			t.Errorf("a test that was cut short is %+v", got)
		}
		if _, err := tests.Start("late", "alice"); !tooManyFor(err) {
			t.Errorf("a test after the end: %v", err)
		}
	})
}

func TestTestsWithoutTheSection(t *testing.T) {
	tests := NewTests(New(Options{}), nil)
	if _, err := tests.Start("live", "alice"); !errors.Is(err, ErrOff) {
		t.Errorf("got %v, want ErrOff", err)
	}
	if _, ok := tests.Last("live"); ok {
		t.Error("there is a test")
	}
}
