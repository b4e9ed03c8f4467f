package probetest

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Alertmanager's hash
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A fakeConfig is a configuration that a fake Alertmanager has loaded.
type fakeConfig struct {
	Route     fakeRoute        `yaml:"route"`
	Receivers []map[string]any `yaml:"receivers"`

	text []byte
}

type fakeRoute struct {
	Receiver string      `yaml:"receiver"`
	Matchers []string    `yaml:"matchers"`
	Continue bool        `yaml:"continue"`
	Routes   []fakeRoute `yaml:"routes"`
}

// ReadFrom makes the Alertmanager load its configuration from a file, at POST /-/reload. From then on alerts go where that says, and
// a webhook of it is called, with the token that it has.
func (a *Alertmanager) ReadFrom(file string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.file = file
}

// Loaded is the configuration that it runs, and how often it was told to load one.
func (a *Alertmanager) Loaded() (text string, reloads int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.config.text), a.reloads
}

// Silence makes these the silences, as api/v2 has them.
func (a *Alertmanager) Silence(silences ...map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.silences = silences
}

// hang answers nothing while the quirk is QuirkHangs.
func (a *Alertmanager) hang(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		hung := a.hung
		a.mu.Unlock()
		if hung != nil {
			a.waiting.Add(1)
			defer a.waiting.Add(-1)
			select {
			case <-hung:
			case <-r.Context().Done():
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// Waiting is how many requests it has not answered since it hangs.
func (a *Alertmanager) Waiting() int { return int(a.waiting.Load()) }

func (a *Alertmanager) reload(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reloads++
	c, err := &a.config, error(nil) // one that reads no file stays as it is, and does not tell what it runs
	if a.file != "" {
		c, err = readConfig(a.file)
	}
	if a.quirk == QuirkRefuses {
		err = errors.New("it refuses everything")
	}
	if err != nil {
		http.Error(w, "failed to reload config: "+err.Error(), http.StatusInternalServerError)
		return
	}
	a.config = *c
}

func readConfig(file string) (*fakeConfig, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &fakeConfig{text: text}
	if err := yaml.Unmarshal(text, c); err != nil {
		return nil, err
	}
	err = c.check(&c.Route)
	return c, err
}

func (c *fakeConfig) check(r *fakeRoute) error {
	if r.Receiver != "" && c.integrations(r.Receiver) == nil {
		return fmt.Errorf("undefined receiver %q used in route", r.Receiver)
	}
	for i := range r.Routes {
		if err := c.check(&r.Routes[i]); err != nil {
			return err
		}
	}
	return nil
}

// integrations are those of a receiver, by kind; nil: there is no such receiver.
func (c *fakeConfig) integrations(receiver string) map[string][]any {
	for _, r := range c.Receivers {
		if r["name"] != receiver {
			continue
		}
		all := map[string][]any{}
		for key, value := range r {
			if kind, ok := strings.CutSuffix(key, "_configs"); ok {
				all[kind], _ = value.([]any)
			}
		}
		return all
	}
	return nil
}

// receivers are those of an alert.
func (c *fakeConfig) receivers(labels map[string]string) []string {
	names := c.below(&c.Route, c.Route.Receiver, labels)
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *fakeConfig) below(r *fakeRoute, inherited string, labels map[string]string) (names []string) {
	if r.Receiver != "" {
		inherited = r.Receiver
	}
	for i := range r.Routes {
		if child := &r.Routes[i]; child.selects(labels) {
			names = append(names, c.below(child, inherited, labels)...)
			if !child.Continue {
				break
			}
		}
	}
	if len(names) == 0 {
		names = []string{inherited}
	}
	return names
}

var fakeMatcher = regexp.MustCompile(`^(\w+)(=~|!~|!=|=)"(.*)"$`)

func (r *fakeRoute) selects(labels map[string]string) bool {
	for _, text := range r.Matchers {
		m := fakeMatcher.FindStringSubmatch(text)
		if m == nil {
			return false
		}
		value := regexp.QuoteMeta(m[3])
		if strings.Contains(m[2], "~") {
			value = m[3]
		}
		if matches, err := regexp.MatchString("^(?:"+value+")$", labels[m[1]]); err != nil || matches == (m[2][0] == '!') {
			return false
		}
	}
	return true
}

// send notifies the receivers of an alert.
func (a *Alertmanager) send(ctx context.Context, p fakeAlert) {
	for _, r := range p.Receivers {
		for kind, all := range a.config.integrations(r.Name) {
			for _, one := range all {
				a.made[kind]++
				if kind == "webhook" && call(ctx, one, p.Labels) != nil {
					a.failed[kind]++
					a.givenUp[kind]++
				}
			}
		}
	}
}

// call calls a webhook.
func call(ctx context.Context, integration any, labels map[string]string) error {
	text, err := yaml.Marshal(integration)
	if err != nil {
		return err
	}
	var webhook struct {
		URL  string `yaml:"url"`
		HTTP struct {
			Authorization struct {
				Credentials string `yaml:"credentials"`
			} `yaml:"authorization"`
		} `yaml:"http_config"`
	}
	if err := yaml.Unmarshal(text, &webhook); err != nil {
		return err
	}
	return deliver(ctx, strings.Replace(webhook.URL, "://", "://"+webhook.HTTP.Authorization.Credentials+"@", 1), labels)
}

func (a *Alertmanager) listSilences(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(append([]map[string]any{}, a.silences...))
}

// hash is the metric by which it is known what an Alertmanager runs.
func (c *fakeConfig) hash() string {
	sum := md5.Sum(c.text) //nolint:gosec // see above
	var b [8]byte
	copy(b[:], sum[:6])
	var out bytes.Buffer
	fmt.Fprintf(&out, "# TYPE alertmanager_config_hash gauge\nalertmanager_config_hash %v\n", float64(binary.LittleEndian.Uint64(b[:])))
	return out.String()
}
