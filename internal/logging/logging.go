// Package logging puts log/slog in front of go-kit/log: callers see a *slog.Logger, go-kit encodes the lines.
//
// It is the only package that knows go-kit. A line has ts (RFC 3339, milliseconds, UTC), level, msg and then
// the attributes in the order they were given; JSON objects have no order, so go-kit sorts their keys and of
// equal keys the last one stays. Groups become dotted keys in both formats.
//
// An empty text is left out with its key. No text is longer than printable.MaxLog, or printable.MaxError for messages and errors, and all of it prints: see
// package printable. What is left out of a longer one is counted in its middle.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
)

// LevelNone is above every other level: a logger at this level is silent, and nothing can be logged at it.
const LevelNone = slog.Level(math.MaxInt)

// A Format is an encoding of log lines.
type Format string

// The formats. The empty Format is FormatLogfmt.
const (
	FormatLogfmt Format = "logfmt"
	FormatJSON   Format = "json"
)

// Options says what is logged, how and where to. The zero Options logs from info on, as logfmt, to standard
// error.
type Options struct {
	// Level is the lowest level that is logged; it is asked for every line. Nil: info.
	Level slog.Leveler
	// Format is how lines are encoded. Anything but FormatJSON: logfmt.
	Format Format
	// Writer gets each line in one Write, never two at a time. Nil: os.Stderr.
	Writer io.Writer
}

// New returns a logger with the given options.
func New(o Options) *slog.Logger { return slog.New(NewHandler(o)) }

// ParseLevel returns the level called debug, info, warn or error, in either case.
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log level %q, want debug, info, warn or error", s)
}

// ParseFormat returns the format called logfmt or json, in either case.
func ParseFormat(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case FormatLogfmt, FormatJSON:
		return f, nil
	}
	return "", fmt.Errorf("log format %q, want logfmt or json", s)
}
