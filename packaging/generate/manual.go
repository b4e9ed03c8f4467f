package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/roff"
)

// pageWidth is that of what is shown as it is: a terminal of 80 columns less the indentation by man.
const pageWidth = 72

// topKey matches the line of a key at the top of the reference.
var topKey = regexp.MustCompile(`^([a-z_]+):`)

// manual makes a page of section 5 of the reference of all keys: a section for each key at its top, begun by what the reference says
// above that key.
func manual(out io.Writer, file string, a about) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, ".\\\" Made of %s.\n", file)
	fmt.Fprintf(w, ".TH HEALTHCHECK.YML 5 \"%s\" \"healthcheck_exporter %s\" \"File Formats Manual\"\n", a.Time.Format(time.DateOnly), roff.Escape(a.Version))
	fmt.Fprint(w, ".SH NAME\nhealthcheck.yml \\- configuration of healthcheck_exporter\n.SH DESCRIPTION\n")
	var comment []string // above the next line, which is not indented
	open, begun := false, false
	for line := range strings.Lines(strings.TrimSuffix(string(text), "\n") + "\n") {
		line = strings.TrimSuffix(line, "\n")
		m := topKey.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "#"):
			comment = append(comment, line)
			continue
		case m != nil:
			if open {
				fmt.Fprint(w, ".EE\n")
			}
			fmt.Fprintf(w, ".SH %s\n%s.PP\n.EX\n", m[1], prose(comment))
			comment, open = nil, true
		case !begun: // the first empty line ends what is said of the file
			fmt.Fprint(w, prose(comment))
			comment = nil
		}
		begun = true
		if open {
			comment = append(comment, line)
			if !isComment(line) {
				fmt.Fprint(w, verbatim(comment))
				comment = nil
			}
		}
	}
	fmt.Fprint(w, verbatim(comment))
	fmt.Fprint(w, ".EE\n.SH \"SEE ALSO\"\n.BR healthcheck_exporter (1)\n")
	_, err = io.WriteString(out, w.String())
	return err
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// prose makes paragraphs of comments.
func prose(comment []string) string {
	w := &strings.Builder{}
	for i, line := range comment {
		line = strings.TrimSpace(strings.TrimPrefix(line, "#"))
		switch {
		case line != "":
			fmt.Fprintln(w, roff.Escape(line))
		case i > 0:
			fmt.Fprintln(w, ".PP")
		}
	}
	return w.String()
}

// verbatim shows lines as they are, except for comments, which are broken at the width of the page. The last line may be none.
func verbatim(lines []string) string {
	w := &strings.Builder{}
	var comment []string
	flush := func() {
		if len(comment) > 0 {
			fmt.Fprint(w, wrap(comment))
		}
		comment = nil
	}
	for _, line := range lines {
		if isComment(line) {
			if len(comment) > 0 && indent(line) != indent(comment[0]) {
				flush()
			}
			comment = append(comment, line)
			continue
		}
		flush()
		fmt.Fprintln(w, roff.Escape(line))
	}
	flush()
	return w.String()
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// wrap breaks comments of one indentation.
func wrap(comment []string) string {
	w := &strings.Builder{}
	prefix := strings.Repeat(" ", indent(comment[0])) + "#"
	line := prefix
	for _, c := range comment {
		for word := range strings.FieldsSeq(strings.TrimPrefix(strings.TrimSpace(c), "#")) {
			if len(line)+1+len(word) > pageWidth && line != prefix {
				fmt.Fprintln(w, roff.Escape(line))
				line = prefix
			}
			line += " " + word
		}
	}
	fmt.Fprintln(w, roff.Escape(line))
	return w.String()
}
