package page

import (
	"net/url"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// quotedName is the name of a target as a string of PromQL, or of a matcher of Alertmanager.
const quotedName = `"` + config.NameInLink + `"`

// named is a link of the configuration with the name of a target in it. The name is escaped as a part of a URL, and within
// quotes as a string before that.
func named(link, name string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	return strings.NewReplacer(
		quotedName, "%22"+escaped(quoted)+"%22",
		"%22"+config.NameInLink+"%22", "%22"+escaped(quoted)+"%22",
		config.NameInLink, escaped(name),
	).Replace(link)
}

// escaped is s as a part of a URL, whichever part it is.
func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
