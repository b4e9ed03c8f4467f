package prober

import (
	"errors"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxQuote bounds in bytes how much of a target's text an error repeats.
const maxQuote = 100

// quote makes text of a target fit for an error: it cannot fill a log, nor steer a terminal.
func quote(text string) string { return strconv.Quote(printable.Cut(text, maxQuote)) }

// kept is a text of a target as a Result has it: a copy, since text may be part of a whole head, which would stay with it.
func kept(text string) string { return strings.Clone(printable.Text(text, printable.MaxURL)) }

// verdict is what a Result has of an error: the text. The error itself may hold on to all that the target sent.
func verdict(err error) error { return errors.New(printable.Text(err.Error(), printable.MaxError)) }
