package alertconf

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mask is shown instead of what may be a secret, as in all Prometheus components.
const mask = "<secret>"

// shownKeys are the keys whose values are no secrets, wherever they are in a configuration of Alertmanager. All others are masked, also
// those of versions to come.
var shownKeys = setOf(
	"receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "continue", "matchers", "source_matchers",
	"target_matchers", "equal", "active_time_intervals", "mute_time_intervals", "resolve_timeout", "templates", "name",
	"send_resolved", "channel", "color", "icon_emoji", "mrkdwn_in", "max_alerts", "short_fields", "require_tls", "smtp_require_tls",
	"follow_redirects", "enable_http2", "insecure_skip_verify", "server_name", "min_version", "max_version", "timeout",
)

// shownBelow are the keys below which nothing is a secret.
var shownBelow = setOf(
	"match", "match_re", "source_match", "source_match_re", "target_match", "target_match_re", "time_intervals",
)

// maskedBelow are the keys below which the keys are those of whoever wrote them, and all values are masked.
var maskedBelow = setOf("http_headers", "headers", "details", "http_config", "basic_auth", "authorization", "oauth2", "sigv4")

// shownInMasked are the keys that are shown below those.
var shownInMasked = setOf("follow_redirects", "enable_http2", "insecure_skip_verify")

// plainValue is a text of ours, which is no secret wherever it is.
var plainValue = regexp.MustCompile(`^(\{\{ template "healthcheck\.[a-z_]+" \. \}\}|` + regexp.QuoteMeta(slackPost) + `)?$`)

// plainKey is a key that is one, and not a secret at the wrong place.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,40}$`)

func setOf(keys ...string) map[string]bool {
	set := map[string]bool{}
	for _, key := range keys {
		set[key] = true
	}
	return set
}

// Shown is a configuration as people may see it: what is not known to be no secret is masked, and there are no comments but that of
// Render.
func Shown(config []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(config, &doc); err != nil || doc.Kind != yaml.DocumentNode {
		return nil, errors.New("it is not YAML") // what the parser says may have a secret
	}
	doc.HeadComment, doc.LineComment, doc.FootComment = "", "", ""
	hide(doc.Content[0], position{}, func(string) {})
	var out bytes.Buffer
	if line, _, _ := bytes.Cut(config, []byte("\n")); bytes.HasPrefix(line, []byte(writtenBy)) {
		out.Write(append(line, '\n'))
	}
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, errors.New("it cannot be shown")
	}
	return out.Bytes(), nil
}

// A position is where in a configuration a node is.
type position struct {
	key    string // of the mapping around it, or around the list in which it is
	shown  bool   // nothing here is a secret
	masked bool   // everything may be one
}

// below is the position of the value of a key.
func (p position) below(key string) position {
	return position{key, p.shown || shownBelow[key], p.masked || maskedBelow[key]}
}

// shows reports whether a scalar is shown.
func (p position) shows(value string) bool {
	switch {
	case strings.HasSuffix(p.key, "_file"), p.key == "files", plainValue.MatchString(value):
		return true
	case p.masked:
		return shownInMasked[p.key]
	default:
		return p.shown || shownKeys[p.key]
	}
}

// shortestHidden is how long a text is at least that Hidden takes for a secret, in bytes: others stand for themselves, such as a port.
const shortestHidden = 6

// Hidden is what somebody says of a configuration, with everything masked that Shown masks in that.
func Hidden(config []byte, said string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal(config, &doc); err != nil || doc.Kind != yaml.DocumentNode {
		return said
	}
	var secrets []string
	hide(doc.Content[0], position{}, func(secret string) {
		secret = strings.TrimSpace(secret)
		for _, form := range []string{secret, escaped(secret)} {
			if len(form) >= shortestHidden {
				secrets = append(secrets, form)
			}
		}
	})
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may be a part of another
	for _, secret := range secrets {
		said = strings.ReplaceAll(said, secret, mask)
	}
	return said
}

// escaped is a text as errors have it in quotes, such as that of a URL with a line break at its end.
func escaped(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// hide masks what may be a secret in a node, tells what that was, and takes its comments. An alias is masked where its anchor is.
func hide(n *yaml.Node, at position, hidden func(string)) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if !strings.HasPrefix(n.Tag, "!!") {
		n.Tag = ""
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			below := at.below(resolved(key).Value)
			key.HeadComment, key.LineComment, key.FootComment = "", "", ""
			if key.Tag != mergeTag && !plainKey.MatchString(key.Value) {
				hidden(key.Value)
				*key = *text(mask)
			}
			hide(value, below, hidden)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			hide(item, at, hidden)
		}
	case yaml.ScalarNode:
		if !at.shows(n.Value) && n.ShortTag() != "!!null" {
			hidden(n.Value)
			*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: mask, Anchor: n.Anchor}
		}
	case yaml.DocumentNode, yaml.AliasNode:
	}
}
