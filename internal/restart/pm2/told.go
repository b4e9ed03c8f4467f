package pm2

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

var (
	ansi    = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	pm2Says = regexp.MustCompile(`(?m)^\[PM2\]\[ERROR\] *(.+)`)
	// Node writes where in which file an error is before it says which error it is.
	nodeAt   = regexp.MustCompile(`^\S.*:\d+$`)
	nodeSays = regexp.MustCompile(`(?m)^\w*Error\b.*`)
)

// told is what pm2 itself says of its failure, or else the first line that somebody writes about it: node that cannot run
// pm2, or a shell that cannot find node. The rest of the output may be anything, such as a stack trace.
func told(stdout, stderr string) string {
	stdout, stderr = ansi.ReplaceAllString(stdout, ""), ansi.ReplaceAllString(stderr, "")
	says := cmp.Or(match(pm2Says, stderr), match(pm2Says, stdout), firstLine(stderr))
	if says == "" {
		return ""
	}
	return fmt.Sprintf(": %q", printable.Text(says, printable.MaxLog))
}

func match(says *regexp.Regexp, text string) string {
	if m := says.FindStringSubmatch(text); m != nil {
		return strings.TrimSpace(m[len(m)-1])
	}
	return ""
}

// firstLine is the first line with anything in it, and with node's error where that line is only the place of one.
func firstLine(stderr string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	line = strings.TrimSpace(line)
	if says := match(nodeSays, rest); says != "" && nodeAt.MatchString(line) {
		return printable.Cut(line, printable.MaxLog/2) + ": " + says
	}
	return line
}
