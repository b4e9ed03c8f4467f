package page

import (
	"net/http"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// repeat is the command line that probes a target once more, as the exporter does: by its name, since the URL as people may see
// it is not the one that is probed. What only the exporter knows it has to probe itself.
func (p *Pages) repeat(e *inventory.Entry, r *http.Request) string {
	if e.Reviewed && p.ConfigFile != "" {
		return "healthcheck_exporter probe " + shellWord("--config.file="+p.ConfigFile) + " " + shellWord("--name="+e.Name)
	}
	return "curl --get --data-urlencode " + shellWord("name="+e.Name) + " --data debug=true " + shellWord(p.Address(r)+"probe")
}

// explain is the command line that says what holds the restart of a service.
func (p *Pages) explain(service string, r *http.Request) string {
	end := ""
	if strings.HasPrefix(service, "-") || strings.HasPrefix(service, "@") { // it is a name, and neither a flag nor a file with some
		end = "-- "
	}
	return "healthcheck_exporter restarts explain " + shellWord("--url="+p.Address(r)) + " " + end + shellWord(service)
}

// plain are the characters that a shell takes for what they are.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+"

// shellWord is s as one word of a POSIX shell.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
