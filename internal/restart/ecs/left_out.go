//go:build noaws

package ecs

// connect is not there: the build has no AWS.
var connect func(cfg Config) (api, error)
