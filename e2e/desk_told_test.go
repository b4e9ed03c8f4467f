//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// liveOnly is a matcher of the alerts that the scenes send.
const liveOnly = `environment="LIVE"`

// sceneTold counts who hears of what while channels come, are switched, change and go.
func sceneTold(t *testing.T, program string) {
	d := openDesk(t, deskOptions{programs: []string{program}})
	stays := func(want map[string]int) {
		t.Helper()
		stays(t, d.told, want)
	}
	d.post(t, "alertname=HealthcheckTargetSlow", "environment=DEV") // for which there will be no channel
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(map[string]int{"#fallback": 2})

	made := d.create(t, "live", d.webhookOf("live", liveOnly))
	if want := `"` + strconv.FormatUint(d.channel(t, "live").Revision, 10) + `"`; made.header.Get("ETag") != want || made.header.Get("Location") == "" {
		t.Errorf("it is made with ETag %q and Location %q, want the ETag %s", made.header.Get("ETag"), made.header.Get("Location"), want)
	}
	t.Logf("from PUT to the first message: %s", d.firstTo(t, "#live").At.Sub(made.asked).Round(time.Millisecond))
	stays(map[string]int{"#fallback": 2, "#live": 1})
	d.post(t, "alertname=HealthcheckTargetFlapping", liveOnlyLabel)
	stays(map[string]int{"#fallback": 2, "#live": 2})

	d.patch(t, "live", "enabled", false)
	d.post(t, "alertname=HealthcheckErrorBudgetBurn", liveOnlyLabel)
	stays(map[string]int{"#fallback": 2, "#live": 2})
	d.wantTest(t, "live", "#live") // of one that is off
	stays(map[string]int{"#fallback": 2, "#live": 4})

	on := d.patch(t, "live", "enabled", true) // told of what has begun since, and not of the rest
	stays(map[string]int{"#fallback": 2, "#live": 5})
	t.Logf("from PATCH to a channel that is on again: %s", d.slack.Messages()[6].At.Sub(on.asked).Round(time.Millisecond))

	const token = "canary-token-of-a-webhook"
	d.create(t, "all", object("type", "webhook", "url", "http://"+d.hook.Address+"/all", "token", token)) // it sorts before live
	stays(map[string]int{"#fallback": 2, "#live": 5, "/all": 4})
	for _, c := range d.hook.Calls() {
		if c.Authorization != "Bearer "+token {
			t.Errorf("the webhook came with %q", c.Authorization)
		}
	}
	d.wantTest(t, "all", "/all")
	stays(map[string]int{"#fallback": 2, "#live": 5, "/all": 6})

	d.create(t, "zoo", object("type", "receiver", "receiver", "pager", "matchers", []string{`environment="ZOO"`}))
	d.want(t, d.reload(t), http.StatusOK)
	if err := d.servers[0].Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	stays(map[string]int{"#fallback": 2, "#live": 5, "/all": 6})
	d.wantTest(t, "zoo", "/pager")
	stays(map[string]int{"#fallback": 2, "#live": 5, "/all": 6, "/pager": 1}) // its receiver tells no ends

	d.patch(t, "live", "matchers", []string{`environment=~"LIVE|STAGE"`}) // told once more
	stays(map[string]int{"#fallback": 2, "#live": 8, "/all": 6, "/pager": 1})

	loaded := d.standing(t, "am-1").LoadedAt
	d.patch(t, "live", "url", d.slack.URL("moved"))
	t.Logf("a secret was changed; Alertmanager was told: %t", !d.standing(t, "am-1").LoadedAt.Equal(loaded))
	stays(map[string]int{"#fallback": 2, "#live": 8, "/all": 6, "/pager": 1})
	d.post(t, "alertname=HealthcheckRestartNotVerified", liveOnlyLabel)
	stays(map[string]int{"#fallback": 2, "#live": 8, "#moved": 1, "/all": 7, "/pager": 1})

	d.remove(t, "all")
	stays(map[string]int{"#fallback": 2, "#live": 8, "#moved": 1, "/all": 7, "/pager": 1})
	d.remove(t, "live") // the fallback hears of what it has not heard of
	stays(map[string]int{"#fallback": 5, "#live": 8, "#moved": 1, "/all": 7, "/pager": 1})
}

const liveOnlyLabel = "environment=LIVE"

// channel is a channel as everybody may see it.
func (d *desk) channel(t *testing.T, name string) channels.Channel {
	t.Helper()
	return read[channels.Channel](t, d, channelPath(name))
}

// wantTest tests a channel: it has to come through, to who is behind the channel alone, with its end.
func (d *desk) wantTest(t *testing.T, name, who string) {
	t.Helper()
	before := d.told()
	test := d.tested(t, name)
	if !test.OK || test.Channel != name || test.By != "oscar" || test.Error != "" {
		t.Errorf("the test of %s is %+v, want one by oscar that is ok", name, test)
	}
	if d.told()[who] == before[who] {
		t.Errorf("the test has ended, and %s has not heard of it", who)
	}
}

// sceneBot has a channel of an app of Slack. Alertmanager finds slack.com on this machine.
func sceneBot(t *testing.T, program string) {
	needs(t, "root", "unshare")
	ca := probetest.NewCA(t)
	listener, err := freeHTTPS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(listener.Addr().String())
	d := openDesk(t, deskOptions{programs: []string{program}, hosts: "127.0.0.1 localhost\n" + host + " slack.com\n", ca: ca.File()})
	slack := &http.Server{
		Handler: d.slack, ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{DNSNames: []string{"slack.com"}})}},
	}
	go func() { _ = slack.ServeTLS(listener, "", "") }() // ends with Close
	t.Cleanup(func() { _ = slack.Close() })
	d.create(t, "bot", object("type", "slack_bot", "channel", "#ops", "token", fakeslack.BotToken))
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#ops": 1})
	d.wantTest(t, "bot", "#ops")
	stays(t, d.told, map[string]int{"#ops": 3})
	d.patch(t, "bot", "channel", "C0123456789", "enabled", false) // without its token, which stays
	d.wantTest(t, "bot", "C0123456789")
	stays(t, d.told, map[string]int{"#ops": 3, "C0123456789": 2})
}

// freeHTTPS listens on the port of https, on an address of this machine that nobody else has taken.
func freeHTTPS(ctx context.Context) (l net.Listener, err error) {
	for i := range 100 {
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.1.%d:443", i+1)); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// sceneProbed is the whole way: Prometheus probes a target, and a channel made by hand hears that it is down, and that it is well
// again. The base is the small one of the examples.
func sceneProbed(t *testing.T, _, newest string) {
	small, err := os.ReadFile(binaries.Shipped("examples", "alertmanager", "alertmanager-small.base.yml"))
	if err != nil {
		t.Fatal(err)
	}
	target := newCounted(t)
	d := openDesk(t, deskOptions{
		programs: []string{newest}, base: string(small),
		config: fmt.Sprintf("targets: [{name: shop, url: '%s/', environment: LIVE, interval: 1s}]\n", target.URL),
	})
	if err := d.pair.WritePrometheus(d.servers[0].Address); err != nil {
		t.Fatal(err)
	}
	if err := d.pair.StartPrometheus(context.WithoutCancel(t.Context()), "prometheus.yml"); err != nil {
		t.Fatal(err)
	}
	wantScraped(t, d.pair, "it is scraped", "shop")
	d.create(t, "live", d.webhookOf("live", liveOnly))
	d.create(t, "dev", object("type", "slack_webhook", "url", d.slack.URL("dev"), "matchers", []string{`environment="DEV"`}, "enabled", false))
	d.create(t, "quiet", object("type", "slack_webhook", "url", d.slack.URL("quiet"), "enabled", false))

	type hearer struct {
		Name    string
		Enabled bool
	}
	shop := read[struct{ Channels []hearer }](t, d, "/api/v1/targets/shop")
	if got := fmt.Sprint(shop.Channels); got != "[{live true} {quiet false}]" {
		t.Errorf("the target is told to %s, want live, which is on, and quiet, which is off", got)
	}

	target.down.Store(true)
	went := time.Now()
	down := d.firstTo(t, "#live")
	t.Logf("from the failure to the message: %s: %s", down.At.Sub(went).Round(time.Millisecond), strings.ReplaceAll(down.Plain(), "\n", " | "))
	if text := down.Plain(); !down.Firing() || !strings.Contains(text, "shop") || !strings.Contains(text, "DOWN") {
		t.Errorf("the first message is not that shop is down: %s", text)
	}
	target.down.Store(false)
	awaitFor(t.Context(), t, 2*patience, "it is told that it is well", func(context.Context) (bool, error) {
		all := d.slack.Messages()
		return !all[len(all)-1].Firing(), nil
	})
	if told := d.told(); len(told) != 1 {
		t.Errorf("others were told as well: %v", told)
	}
}
