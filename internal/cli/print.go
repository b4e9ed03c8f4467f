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

// Everything that commands say in text goes through say or row: texts of exporters, targets and audit logs could steer the
// terminal, or look like lines that nobody wrote.

// maxLine is how long a line is at most, in bytes: that of an error and what is said about it.
const maxLine = printable.MaxError + printable.MaxURL

// say writes one line, whatever is in it.
func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, printable.Text(fmt.Sprintf(format, args...), maxLine))
}

// oneLine is a text of somebody else as part of a line: in it even a text of many lines is read as one.
func oneLine(text string) string {
	return printable.Line(text, printable.MaxURL)
}

// A jsonWriter writes JSON. In it what does not print is escaped, so that nothing is lost to who decodes it. Every Write
// must have whole characters.
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
