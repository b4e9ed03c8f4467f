//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// unhurried has the group_wait of the shipped file, 500 ms for LIVE, and gauges that are seconds older than the probes: what holds
// must hold by the probes.
var unhurried = harness.Timing{Scrape: time.Second, Evaluation: time.Second, GroupInterval: time.Second, Self: 5 * time.Second}

// A hush is a way to have nobody told.
type hush struct{ path, alert string }

var hushes = map[string]hush{
	"maintenance": {"maintenance", "HealthcheckTargetMaintenance"},
	"mute":        {"mute", "HealthcheckTargetMuted"},
}

// TestNothingSlips mutes targets, and has others in maintenance, a moment before they fail in their very next scrape: nobody hears of
// it, and nobody hears that they recovered. All are different groups to Alertmanager, and each begins anew in each round.
func TestNothingSlips(t *testing.T) {
	const appsOfEach, rounds = 4, 5
	o := harness.Options{Operator: true, Timing: unhurried, GroupBy: "target", Restart: "  brake: {percent: 100, min: 50, max: 50}\n"}
	for kind := range hushes {
		for i := range appsOfEach {
			o.Apps = append(o.Apps, harness.AppSpec{Name: fmt.Sprintf("%s-%d", kind, i), Service: "      mode: off\n"})
		}
	}
	ctx, s := startWith(t, o)
	var playing sync.WaitGroup
	for _, app := range s.Apps {
		playing.Go(func() {
			kind, _, _ := strings.Cut(app.Name, "-")
			for round := range rounds {
				if err := hushed(ctx, s, app, hushes[kind], round); err != nil {
					t.Errorf("%s, round %d: %v", app.Name, round+1, err)
					return
				}
			}
		})
	}
	playing.Wait()
	if t.Failed() {
		return
	}
	// Without a word people are told, or the rounds would show nothing.
	for _, app := range s.Apps {
		breakApp(ctx, t, s, app.Name)
	}
	for _, app := range s.Apps {
		await(ctx, t, "Slack hears of "+app.Name, about(s, "DOWN: "+app.Name))
	}
}

// hushed plays a round. Every other target is well again before somebody ends what has nobody told, and the others at the same time.
func hushed(ctx context.Context, s *harness.Stack, app *harness.App, h hush, round int) error {
	path := "/api/v1/targets/" + app.Name + "/" + h.path
	alert := func(name string, want bool) error {
		return harness.Until(ctx, patience, fmt.Sprintf("%s about %s: %t", name, app.Name, want), func(ctx context.Context) (bool, error) {
			active, err := s.Active(ctx, name)
			return active[app.Name] == want, err
		})
	}
	silent := func(context.Context) error {
		if found := titles(s, app.Name); len(found) > 0 {
			return fmt.Errorf("slack heard %q", found)
		}
		return nil
	}
	if _, _, err := s.Operate(ctx, http.MethodPut, path, `{"duration": "5m", "reason": "deploy"}`); err != nil {
		return err
	}
	if _, err := app.Break(ctx, harness.BreakStatus); err != nil {
		return err
	}
	if err := alert("HealthcheckTargetDown", true); err != nil {
		return err
	}
	// group_wait, twice group_interval, and some.
	if err := harness.Throughout(ctx, 3*time.Second, silent); err != nil {
		return err
	}
	if err := app.Heal(ctx); err != nil {
		return err
	}
	if round%2 == 0 {
		if err := alert("HealthcheckTargetDown", false); err != nil {
			return err
		}
	}
	if _, _, err := s.Operate(ctx, http.MethodDelete, path, ""); err != nil {
		return err
	}
	for _, name := range []string{"HealthcheckTargetDown", h.alert} { // the next round is to begin without
		if err := alert(name, false); err != nil {
			return err
		}
	}
	return silent(ctx)
}

// TestDeploy deploys an app as CI does: a maintenance until it is healthy, the app away for 20 s, and well again. Nobody hears of
// it, it is not restarted although its own checks would have it, and its uptime is as before. After a minute of health the
// maintenance is over by itself, and then an outage is told and repaired.
func TestDeploy(t *testing.T) {
	ctx, s := startWith(t, harness.Options{
		Operator: true, Timing: unhurried, Apps: []harness.AppSpec{{Name: "shop", Service: "      without_alert_after: 3s\n"}},
	})
	app := s.App("shop")
	if err := s.AwaitArmed(ctx, app); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/targets/shop/maintenance"
	if _, _, err := s.Operate(ctx, http.MethodPut, path, `{"duration": "20m", "until_healthy": true, "reason": "deploy of 4.2"}`); err != nil {
		t.Fatal(err)
	}
	breakApp(ctx, t, s, "shop")
	began := time.Now()
	awaitHeld(ctx, t, s, app, "maintenance")
	untouched := func(ctx context.Context) error {
		if found := titles(s, "shop"); len(found) > 0 {
			return fmt.Errorf("slack heard %q", found)
		}
		return restarted(ctx, s, app, 0)
	}
	if err := harness.Throughout(ctx, time.Until(began.Add(20*time.Second)), untouched); err != nil {
		t.Fatal(err)
	}
	if err := app.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	err := harness.Until(ctx, 2*time.Minute, "the maintenance ends by itself", func(ctx context.Context) (bool, error) {
		if err := untouched(ctx); err != nil {
			return false, err
		}
		_, gone, err := s.Operate(ctx, http.MethodGet, path, "")
		return gone, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the maintenance ended %s after the app was well", time.Since(healed).Round(time.Second))
	wantUptime(ctx, t, s)
	await(ctx, t, "Alertmanager knows of the end", func(ctx context.Context) (bool, error) {
		active, err := s.Active(ctx, "HealthcheckTargetMaintenance")
		return !active["shop"], err
	})
	if _, err := s.Outage(ctx, app, harness.BreakStatus, nil); err != nil {
		t.Fatal(err)
	}
	recoveries(ctx, t, s, app, 1)
}

// wantUptime wants that no probe that failed in maintenance was counted.
func wantUptime(ctx context.Context, t *testing.T, s *harness.Stack) {
	t.Helper()
	text, _, err := s.Operate(ctx, http.MethodGet, "/api/v1/targets/shop", "")
	if err != nil {
		t.Fatal(err)
	}
	var target struct {
		Uptime struct{ Hour struct{ Ratio float64 } }
	}
	if err := json.Unmarshal([]byte(text), &target); err != nil || target.Uptime.Hour.Ratio != 1 {
		t.Errorf("the uptime is %v, want 1: %v, %s", target.Uptime.Hour.Ratio, err, text)
	}
}
