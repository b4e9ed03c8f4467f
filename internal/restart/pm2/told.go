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
	// Node writes the position of an error before the error itself.
	nodeAt   = regexp.MustCompile(`^\S.*:\d+$`)
	nodeSays = regexp.MustCompile(`(?m)^\w*Error\b.*`)
)

// declined is what pm2 says before it has done anything.
var declined = regexp.MustCompile(`^(Reload already in progress|Process or Namespace .* not found$)`)

// told returns pm2's own message about its failure. If there is none, it is the first line of the errors: of node that cannot
// run pm2, or of a shell that cannot find node. The rest of the output may be anything, such as a stack trace.
func told(stdout, stderr string) (says string, refused bool) {
	stdout, stderr = ansi.ReplaceAllString(stdout, ""), ansi.ReplaceAllString(stderr, "")
	own := cmp.Or(match(pm2Says, stderr), match(pm2Says, stdout))
	if says = cmp.Or(own, firstLine(stderr)); says == "" {
		return "", false
	}
	return fmt.Sprintf(": %q", printable.Text(says, printable.MaxLog)), declined.MatchString(own)
}

func match(says *regexp.Regexp, text string) string {
	if m := says.FindStringSubmatch(text); m != nil {
		return strings.TrimSpace(m[len(m)-1])
	}
	return ""
}

// firstLine returns the first line that is not empty. If that is only the position of an error of node, the error is added.
func firstLine(stderr string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	line = strings.TrimSpace(line)
	if says := match(nodeSays, rest); says != "" && nodeAt.MatchString(line) {
		return printable.Cut(line, printable.MaxLog/2) + ": " + says
	}
	return line
}
