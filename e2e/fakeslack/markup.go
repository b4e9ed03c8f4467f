package fakeslack

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Slack does not refuse wrong markup. It shows something else than what was meant, which is worse for a test.
// https://api.slack.com/reference/surfaces/formatting
var (
	entity = regexp.MustCompile(`&(amp|lt|gt);`)
	// An angle bracket opens a link, a date or a mention, and nothing else.
	angle = regexp.MustCompile(`<(https?://[^<>|\s]+|mailto:[^<>|\s]+|!date\^\d+\^[^<>|^]+(?:\^https?://[^<>|\s]+)?|!here|!channel|!everyone|[@#][A-Z0-9]+)(?:\|([^<>|]+))?>`)
	// A date says how to show itself by these words.
	dateWords = regexp.MustCompile(`\{(date|date_num|date_short|date_long|date_pretty|date_short_pretty|date_long_pretty|time|time_secs|ago)\}`)
	quote     = regexp.MustCompile(`(?m)^>+`)
)

// markup checks a text in which links, dates and mentions may occur.
func markup(s string) error {
	for _, m := range angle.FindAllStringSubmatch(s, -1) {
		if !strings.HasPrefix(m[1], "!date") {
			continue
		}
		if m[2] == "" {
			return fmt.Errorf("%q has no text for those who cannot show dates", m[0])
		}
		if strings.ContainsAny(dateWords.ReplaceAllString(m[1], ""), "{}") {
			return fmt.Errorf("%q has an unknown word in braces", m[0])
		}
	}
	return plain(quote.ReplaceAllString(angle.ReplaceAllString(s, ""), ""))
}

// plain checks a text without markup: the three special characters are escaped.
func plain(s string) error {
	if i := strings.IndexAny(entity.ReplaceAllString(s, ""), "&<>"); i >= 0 {
		return fmt.Errorf("& < > have to be escaped: %q", s)
	}
	return nil
}

// link checks an address that may be missing.
func link(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no link", s)
	}
	return nil
}

var unescape = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// display replaces markup by what Slack shows for it.
func display(s string) string {
	s = angle.ReplaceAllStringFunc(s, func(token string) string {
		m := angle.FindStringSubmatch(token)
		switch {
		case strings.HasPrefix(m[1], "!date"):
			return localTime(m[1])
		case m[2] != "":
			return m[2]
		default:
			return m[1]
		}
	})
	return unescape.Replace(s)
}

// localTime shows a date in the reader's time zone, as Slack does.
func localTime(date string) string {
	seconds, err := strconv.ParseInt(strings.Split(date, "^")[1], 10, 64)
	if err != nil {
		return date
	}
	return time.Unix(seconds, 0).Format(time.DateTime)
}
