package config

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
)

// ECS is the back-end that restarts a service of Amazon ECS.
type ECS struct {
	// Cluster and Service are their names or ARNs.
	Cluster string `yaml:"cluster"`
	Service string `yaml:"service"`
	// Region is that of the cluster.
	Region string `yaml:"region"`
	// Profile is a profile of AWS' own configuration. Empty: the one that the environment names.
	Profile string `yaml:"profile,omitempty"`
	// Endpoint is a URL. Empty: that of the region.
	Endpoint string `yaml:"endpoint,omitempty"`
}

func (*ECS) limits() Limits { return clusterLimits }

func (*ECS) shown() []string { return []string{"cluster", "service", "region", "profile", "endpoint"} }

func (b *ECS) unit() (id, what string) {
	// The end of an ARN is the name.
	return fmt.Sprintf("%q %q %q %q %q", b.Endpoint, b.Profile, b.Region, path.Base(b.Cluster), path.Base(b.Service)), "service of ECS"
}

// The names of clusters and services, their ARNs, and the names of regions.
var (
	ecsName   = regexp.MustCompile(`^([A-Za-z0-9_-]{1,255}|arn:[a-z0-9-]+:ecs:[A-Za-z0-9:/_-]+)$`)
	awsRegion = regexp.MustCompile(`^[a-z]{2,3}(-[a-z]+)+-\d$`)
)

func (b *ECS) check(c *checker, p place) {
	for _, key := range []struct{ key, value string }{{"cluster", b.Cluster}, {"service", b.Service}} {
		if !ecsName.MatchString(key.value) {
			c.fail(c.sub(p, key.key), "got %q, want the name or ARN of a %s", key.value, key.key)
		}
	}
	if !awsRegion.MatchString(b.Region) {
		c.fail(c.sub(p, "region"), "got %q, want a region of AWS such as eu-central-1", b.Region)
	}
	if u, err := url.Parse(b.Endpoint); b.Endpoint != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil) {
		c.fail(c.sub(p, "endpoint"), "want an absolute URL with the scheme http or https, without a user")
	}
}
