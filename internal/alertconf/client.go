// Package alertconf knows the configuration of Alertmanager and its API.
package alertconf

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// An API sends requests to Alertmanager. Paths are relative to its URL. An answer other than 200 is an error.
type API interface {
	Get(ctx context.Context, path string) ([]byte, error)
	GetJSON(ctx context.Context, path string, answer any) error
	Post(ctx context.Context, path string, value any) ([]byte, error)
}

// A Client asks Alertmanager by its API v2
// (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).
type Client struct{ api API }

// NewClient makes a client for one Alertmanager.
func NewClient(api API) *Client { return &Client{api} }

// An Alert is an alert as Alertmanager takes it.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// A KnownAlert is an alert that has not ended, as Alertmanager lists it.
type KnownAlert struct {
	Labels      map[string]string `json:"labels"`
	Fingerprint string            `json:"fingerprint"`
	Receivers   []struct {
		Name string `json:"name"`
	} `json:"receivers"`
	Status struct {
		State       string   `json:"state"` // unprocessed, active or suppressed
		InhibitedBy []string `json:"inhibitedBy"`
		SilencedBy  []string `json:"silencedBy"`
		MutedBy     []string `json:"mutedBy"` // time intervals; since 0.28
	} `json:"status"`
}

// Send sends alerts: new ones, or old ones that end.
func (c *Client) Send(ctx context.Context, alerts []Alert) error {
	_, err := c.api.Post(ctx, "api/v2/alerts", alerts)
	return err
}

// Alerts returns all alerts that have not ended.
func (c *Client) Alerts(ctx context.Context) (known []KnownAlert, err error) {
	err = c.api.GetJSON(ctx, "api/v2/alerts", &known)
	return known, err
}

// Find returns the alert with exactly these labels, or nil.
func Find(known []KnownAlert, labels map[string]string) *KnownAlert {
	for i := range known {
		if maps.Equal(known[i].Labels, labels) {
			return &known[i]
		}
	}
	return nil
}

// A Setup is what Alertmanager reports about itself.
type Setup struct {
	Version string // may be empty: it is set when Alertmanager is built
	// Integrations counts the messages that each receiver sends for a notification, by their kind, such as slack.
	Integrations map[string]map[string]int
}

// Setup reads the version and the configuration in force, which alone says which integrations a receiver has.
func (c *Client) Setup(ctx context.Context) (Setup, error) {
	var status struct {
		Config      struct{ Original string }
		VersionInfo struct{ Version string }
	}
	if err := c.api.GetJSON(ctx, "api/v2/status", &status); err != nil {
		return Setup{}, err
	}
	var config struct {
		Receivers []map[string]any `yaml:"receivers"`
	}
	if err := yaml.Unmarshal([]byte(status.Config.Original), &config); err != nil {
		return Setup{}, fmt.Errorf("reading the configuration of Alertmanager: %w", err)
	}
	s := Setup{Version: status.VersionInfo.Version, Integrations: map[string]map[string]int{}}
	for _, r := range config.Receivers {
		name, _ := r["name"].(string)
		s.Integrations[name] = map[string]int{}
		for key, value := range r {
			list, isList := value.([]any)
			if kind, ok := strings.CutSuffix(key, "_configs"); ok && isList {
				s.Integrations[name][kind] = len(list)
			}
		}
	}
	return s, nil
}
