//go:build noaws

package ecs

// connect is nil: the build does not include AWS.
var connect func(cfg Config) (api, error)
