// Package alertconf is about Alertmanager's configuration, and knows its API.
package alertconf

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// An API is how Alertmanager is reached. Paths are below its URL; an answer other than 200 is an error.
type API interface {
	GetJSON(ctx context.Context, path string, answer any) error
	Post(ctx context.Context, path string, value any) ([]byte, error)
}

// A Client asks Alertmanager by its API v2
// (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).
type Client struct{ api API }

// NewClient makes a client of one Alertmanager.
func NewClient(api API) *Client { return &Client{api} }

// An Alert is what Alertmanager takes.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// A KnownAlert is what Alertmanager says of an alert that has not ended.
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

// Send hands over alerts, new ones or the end of old ones.
func (c *Client) Send(ctx context.Context, alerts []Alert) error {
	_, err := c.api.Post(ctx, "api/v2/alerts", alerts)
	return err
}

// Alerts are all that have not ended.
func (c *Client) Alerts(ctx context.Context) (known []KnownAlert, err error) {
	err = c.api.GetJSON(ctx, "api/v2/alerts", &known)
	return known, err
}

// Find finds the alert that has exactly these labels; nil: it is not there.
func Find(known []KnownAlert, labels map[string]string) *KnownAlert {
	for i := range known {
		if maps.Equal(known[i].Labels, labels) {
			return &known[i]
		}
	}
	return nil
}

// A Setup is what Alertmanager says of itself.
type Setup struct {
	Version string // empty: somebody built one without
	// Integrations are how many messages each receiver makes of a notification, by kind, such as slack.
	Integrations map[string]map[string]int
}

// Setup reads the configuration in force: nothing else says which integrations a receiver has.
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
