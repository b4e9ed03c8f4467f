package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The output formats.
const (
	formatText = "text"
	formatJSON = "json"
)

// All text that commands write goes through say, oneLine, table or paragraph. Without that, a text from an exporter, a target or
// an audit log could control the terminal or forge lines of ours.

// maxLine is the longest line, in bytes: an error and what it is about.
const maxLine = printable.MaxError + printable.MaxURL

// say writes one line, whatever the arguments contain.
func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, printable.Text(fmt.Sprintf(format, args...), maxLine))
}

// oneLine makes a text from outside part of a line, even if it has several lines.
func oneLine(text string) string {
	return printable.Line(text, printable.MaxURL)
}

// A jsonWriter writes JSON and escapes the characters that do not print, so that a decoder gets all of them. Every Write must
// consist of whole characters.
type jsonWriter struct{ out io.Writer }

// Write implements io.Writer.
func (w jsonWriter) Write(b []byte) (int, error) {
	var text strings.Builder
	for _, r := range string(b) {
		switch {
		case r == '\n', r == '\t', r == '\r', printable.Is(string(r)):
			text.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&text, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&text, `\u%04x\u%04x`, high, low)
		}
	}
	if _, err := io.WriteString(w.out, text.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}
