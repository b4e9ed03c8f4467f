package importer

import (
	"regexp"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// gatusElsewhere are placeholders that no condition here is about, with what there is instead.
var gatusElsewhere = map[string]string{
	"[CERTIFICATE_EXPIRATION]": "the alert HealthcheckCertificateExpiring of the mixin watches certificates",
	"[DOMAIN_EXPIRATION]":      "this exporter does not look up when a domain expires",
	"[IP]":                     "no condition here is about the address; probe.allow says which addresses may be probed",
	"[DNS_RCODE]":              "it is for DNS",
	"[CONTEXT]":                "it is for suites",
}

// condition adds a condition of an endpoint, or says why it cannot.
func (g *gatusEndpoint) condition(i int, text string) {
	c, ok := parseCondition(text)
	if !ok {
		g.drop(g.monitor.name, "conditions[%d]: it does not compare one placeholder with a text", i)
		return
	}
	why := gatusElsewhere[c.placeholder]
	judge := gatusJudges[c.placeholder]
	switch _, err := regexp.Compile(c.expression("")); {
	case err != nil: // which repeats the text
		why = "its pattern is not valid"
	case c.function == "has" && c.text != "true" && c.text != "false":
		why = "has() is true or false"
	case judge != nil && judge(g, c):
		return
	case why == "":
		why = "no condition here says the same"
	}
	g.drop(g.monitor.name, "conditions[%d]: %s: %s", i, c, why)
}

// gatusJudges add a condition. They return false if they cannot.
var gatusJudges = map[string]func(g *gatusEndpoint, c condition) bool{
	"[STATUS]":        (*gatusEndpoint).status,
	"[CONNECTED]":     (*gatusEndpoint).connected,
	"[RESPONSE_TIME]": (*gatusEndpoint).responseTime,
	"[BODY]":          (*gatusEndpoint).bodyCondition,
	"[HEADER]":        (*gatusEndpoint).header,
}

func (g *gatusEndpoint) status(c condition) bool {
	if c.function+c.path != "" || strings.HasPrefix(g.monitor.url, "ws") {
		return false
	}
	g.codes.keep(c.meets)
	return true
}

// connected is true of every answer.
func (g *gatusEndpoint) connected(c condition) bool {
	if c.function+c.path != "" || c.operator != "==" && c.operator != "!=" {
		return false
	}
	g.never = g.never || c.equals("true") != (c.operator == "==")
	return true
}

// responseTime makes the timeout shorter.
func (g *gatusEndpoint) responseTime(c condition) bool {
	ms, ok := milliseconds(c.text)
	if !ok || ms < 1 || c.function+c.path != "" || !strings.HasPrefix(c.operator, "<") {
		return false
	}
	if limit := time.Duration(ms) * time.Millisecond; limit < g.monitor.timeout {
		g.monitor.timeout = limit
		g.change("[RESPONSE_TIME] %s %s is its timeout, which counts the body, too; each probe makes a connection of its own", c.operator, config.Duration(limit))
	}
	return true
}

func (g *gatusEndpoint) bodyCondition(c condition) bool {
	if c.path != "" {
		cel := c.json()
		if cel != "" {
			g.json = append(g.json, cel)
		}
		if cel != "" && c.function == "len" {
			g.change("conditions on JSON: len() is of texts and lists here, while to Gatus numbers and objects have the length of their text")
		}
		if cel != "" && c.meetsNothing() {
			g.change("conditions on JSON: a body that is not JSON fails here, and so does a number that is missing, which is 0 to Gatus")
		}
		return cel != ""
	}
	if c.operator != "==" && c.operator != "!=" || c.function != "" && c.function != "has" {
		return false
	}
	expression, wanted := c.expression(`\s*`), c.operator == "=="
	if c.function == "has" {
		expression, wanted = `\S`, wanted == (c.text == "true")
	}
	switch {
	case expression == "" && wanted: // pat(*)
	case expression == "":
		g.never = true
	case wanted:
		g.http.BodyNotMatches = append(g.http.BodyNotMatches, expression)
	default:
		g.http.BodyMatches = append(g.http.BodyMatches, expression)
	}
	return true
}

func (g *gatusEndpoint) header(c condition) bool {
	name, ok := strings.CutPrefix(c.path, ".")
	if !ok || name == "" || strings.HasPrefix(g.monitor.url, "ws") || c.operator != "==" && c.operator != "!=" || c.function != "" && c.function != "has" {
		return false
	}
	h, expression, wanted := &g.http, c.expression(""), c.operator == "=="
	if c.function == "has" {
		expression, wanted = "^", wanted == (c.text == "true")
	}
	if expression == "" { // pat(*)
		expression = "^"
	}
	if wanted {
		h.HeaderNotMatches = append(h.HeaderNotMatches, headerMatch{Header: name, Regexp: expression})
	} else {
		h.HeaderMatches = append(h.HeaderMatches, headerMatch{Header: name, Regexp: expression, AllowMissing: true})
	}
	return true
}
