package prober

import (
	"errors"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxQuote bounds in bytes how much of a target's text an error repeats.
const maxQuote = 100

// quote makes text of a target safe for an error: it can neither fill a log nor control a terminal.
func quote(text string) string { return strconv.Quote(printable.Cut(text, maxQuote)) }

// kept is a text of a target as a Result has it. It is a copy, because the text may be part of a whole head, which
// would stay in memory with it.
func kept(text string) string { return strings.Clone(printable.Text(text, printable.MaxURL)) }

// verdict is an error with only the text of err, for a Result. The error itself may keep in memory all that the target
// sent.
func verdict(err error) error { return errors.New(printable.Text(err.Error(), printable.MaxError)) }
