//go:build race

package prober_test

const raceEnabled = true
