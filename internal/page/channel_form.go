package page

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A channelField is a key of a channel that the form has.
type channelField struct {
	key  string
	kind string // of the control in html/form.html
	// of are the kinds of channels that have it. nil: all.
	of       []alertconf.Kind
	not      alertconf.Kind // of all but this one
	required bool
	// show is what there is as people edit it. nil: it is a secret, which nobody sees.
	show func(*channels.Channel) string
}

// channelFields are those of the form, in its order.
var channelFields = []channelField{
	{key: "url", kind: "secret", of: []alertconf.Kind{alertconf.SlackWebhook}, required: true},
	{key: "channel", kind: "text", of: []alertconf.Kind{alertconf.SlackBot}, required: true, show: func(ch *channels.Channel) string { return ch.Channel.Channel }},
	{key: "token", kind: "secret", of: []alertconf.Kind{alertconf.SlackBot}, required: true},
	{key: "url", kind: "url", of: []alertconf.Kind{alertconf.Webhook}, required: true, show: func(ch *channels.Channel) string { return ch.URL }},
	{key: "token", kind: "secret", of: []alertconf.Kind{alertconf.Webhook}},
	{key: "receiver", kind: "text", of: []alertconf.Kind{alertconf.Receiver}, required: true, show: func(ch *channels.Channel) string { return ch.Receiver }},
	{key: "matchers", kind: "area", show: func(ch *channels.Channel) string { return strings.Join(ch.Matchers, "\n") }},
	{key: "send_resolved", kind: "choose", not: alertconf.Receiver, show: func(ch *channels.Channel) string { return yesOrNo(ch.SendResolved) }},
	{key: "group_wait", kind: "text", show: showWait},
	{key: "enabled", kind: "choose", show: func(ch *channels.Channel) string { return yesOrNo(ch.Enabled) }},
}

const (
	yes = "yes"
	no  = "no"
)

func yesOrNo(b bool) string { return map[bool]string{true: yes, false: no}[b] }

func showWait(ch *channels.Channel) string {
	if ch.GroupWait == nil {
		return ""
	}
	return ch.GroupWait.String()
}

// fieldsOf are those of channels of a kind.
func fieldsOf(kind alertconf.Kind) (all []channelField) {
	for _, f := range channelFields {
		if f.not != kind && (f.of == nil || slices.Contains(f.of, kind)) {
			all = append(all, f)
		}
	}
	return all
}

// channelKeys are the names of the fields of any kind.
func channelKeys() (all []string) {
	for _, f := range channelFields {
		if !slices.Contains(all, f.key) {
			all = append(all, f.key)
		}
	}
	return all
}

// value is a text of the form as the definition of a channel has it.
func (f *channelField) value(text string) any {
	switch f.kind {
	case "area":
		lines, _ := readLines(text, nil) // any text is some lines
		return lines
	case "choose":
		return text != no
	default:
		return text
	}
}

// same reports whether two texts of the form mean the same.
func (f *channelField) same(a, b string) bool {
	return reflect.DeepEqual(f.value(tidy(a)), f.value(tidy(b)))
}

// shownOf are the values of the fields of a channel that the form shows.
func shownOf(ch *channels.Channel) map[string]string {
	all := map[string]string{}
	for _, f := range fieldsOf(ch.Kind) {
		if f.show != nil {
			all[f.key] = f.show(ch)
		}
	}
	return all
}

// bodyOf is the definition of a new channel of a kind that was typed.
func bodyOf(kind alertconf.Kind, typed map[string]string) map[string]any {
	body := map[string]any{"type": kind}
	for _, f := range fieldsOf(kind) {
		if typed[f.key] != "" {
			body[f.key] = f.value(typed[f.key])
		}
	}
	return body
}

// removeSecret is the box that says that the secret is not needed any more.
const removeSecret = "remove_secret"

// channelPatch is the merge patch (RFC 7396) that makes a channel what was typed. A secret that was not typed stays, unless the channel
// becomes one of another kind.
func channelPatch(ch *channels.Channel, kind alertconf.Kind, typed map[string]string) map[string]any {
	patch, shown := map[string]any{}, shownOf(ch)
	if ch.Kind != kind {
		patch["type"] = kind
		for _, f := range fieldsOf(ch.Kind) {
			if f.of != nil {
				patch[f.key] = nil
				delete(shown, f.key)
			}
		}
	}
	for _, f := range fieldsOf(kind) {
		text := typed[f.key]
		switch {
		case f.show == nil && text == "" && typed[removeSecret] == yes:
			patch[f.key] = nil
		case f.show == nil && text == "", f.show != nil && f.same(shown[f.key], text):
		case text == "":
			patch[f.key] = nil
		default:
			patch[f.key] = f.value(text)
		}
	}
	return patch
}

// A channelForm is the form of a channel, to add or to edit it.
type channelForm struct {
	*catalogue

	Edits    bool // there is a channel; else one is added
	Action   string
	Back     string // where the page leads
	Revision uint64 // on which the change depends; 0: on none
	Kind     alertconf.Kind
	Kinds    []kindLink
	Controls []control
	Mistakes []mistake
	Again    bool // a secret was typed, and has to be typed again
	Conflict *conflict
	Delete   *deleteForm
}

// A kindLink leads to the same form for channels of another kind.
type kindLink struct {
	Href, Text string
	Chosen     bool
}

// Anchor is what the id of each field begins with.
func (f *channelForm) Anchor() string { return "f-" }

// A channelDraft is what somebody wants a channel to be.
type channelDraft struct {
	before   *channels.Channel // nil: one is added
	kind     alertconf.Kind
	revision uint64
	typed    map[string]string
	mistakes []mistake
	conflict *conflict
	del      deleteForm
}

// channelForm is the form of a draft, on a page at this address.
func (p *Pages) channelForm(c *catalogue, d *channelDraft, here string) *channelForm {
	f := &channelForm{catalogue: c, Edits: d.before != nil, Kind: d.kind, Revision: d.revision, Mistakes: d.mistakes, Conflict: d.conflict}
	for _, k := range alertconf.Kinds() {
		f.Kinds = append(f.Kinds, kindLink{to(c, here, "type", string(k)), c.say("channel.kind." + string(k)), k == d.kind})
	}
	if d.before == nil {
		f.Controls = append(f.Controls, p.channelControl(c, d, channelField{key: "name", kind: "text", required: true}))
	}
	for _, field := range fieldsOf(d.kind) {
		one := p.channelControl(c, d, field)
		f.Again = f.Again || field.show == nil && d.typed[field.key] != "" && (len(d.mistakes) > 0 || d.conflict != nil)
		f.Controls = append(f.Controls, one)
	}
	return f
}

// keepsSecret reports whether there is a secret that stays if none is typed.
func (d *channelDraft) keepsSecret() bool {
	return d.before != nil && d.before.Kind == d.kind && d.before.Secret.Set
}

// channelControl is a field as the form shows it.
func (p *Pages) channelControl(c *catalogue, d *channelDraft, f channelField) control {
	one := control{
		Key: f.key, Kind: f.kind, Label: channelLabel(c, d.kind, f.key), Help: c.say("channel.help." + f.key), Value: d.typed[f.key], Required: f.required,
	}
	switch {
	case f.kind == "secret":
		one.Help, one.Value = c.say("channel.help."+f.key+"."+string(d.kind)), "" // it is never shown
		if d.keepsSecret() {
			one.Help, one.Required, one.Remove = c.say("channel.help.keep"), false, !f.required
		}
	case f.key == "url":
		if !showable(one.Value) {
			one.Value = ""
		}
		one.Help = c.say("channel.help.url." + string(d.kind))
	case f.kind == "choose":
		for _, v := range []string{yes, no} {
			one.Options = append(one.Options, choice{v, c.say("channel." + f.key + "_" + v), v == yesOrNo(one.Value != no)})
		}
	case f.key == "receiver":
		for _, name := range p.Channels.Receivers() {
			one.Options = append(one.Options, choice{Value: name})
		}
	case f.key == "matchers":
		lines, _ := readLines(one.Value, nil)                                 // any text is some lines
		if n, all, ok := p.selects(lines.([]string)); ok && d.before != nil { //nolint:forcetypeassert // see readLines
			one.Help += " " + c.say("channel.selects", n, all)
		}
	}
	for _, m := range d.mistakes {
		if m.Field == f.key && one.Wrong == "" {
			one.Wrong, one.Ours = m.Text, m.Ours
		}
	}
	return one
}

// showable reports whether a URL that was typed may be shown again: it may not be if it has, or is, a secret at the wrong place.
func showable(typed string) bool {
	return !strings.ContainsAny(typed, "@?#") && !strings.Contains(strings.ToLower(typed), "hooks.slack.com")
}

// channelLabel is what a field is called. What is a URL of Slack's in one kind is the address of a server in another.
func channelLabel(c *catalogue, kind alertconf.Kind, key string) string {
	if key == "url" {
		key += "." + string(kind)
	}
	return c.say("channel.field." + key)
}

// channelMistakes are those of an error about a draft, in the order of its fields.
func channelMistakes(c *catalogue, d *channelDraft, err error) []mistake {
	if text := channelRefusal(c, err); text != "" {
		return []mistake{{Text: text, Ours: true}}
	}
	if invalid, ok := errors.AsType[*managed.InvalidError](err); ok {
		err = d.byLine(invalid)
	}
	keys := append([]string{"name"}, channelKeys()...)
	all := mistakesIn(func(key string) string { return channelLabel(c, d.kind, key) }, err, keys)
	_, denied := errors.AsType[*access.DeniedError](err)
	_, taken := errors.AsType[*managed.ChangedError](err)
	switch {
	case denied: // where it is confined to is what its matchers say
		all[0].Field, all[0].Label = "matchers", c.say("channel.field.matchers")
	case taken:
		all[0] = mistake{"name", c.say("channel.field.name"), c.say("channel.taken"), true}
	}
	return all
}

// byLine is an error with the lines of the form in place of the places in a list.
func (d *channelDraft) byLine(invalid *managed.InvalidError) *managed.InvalidError {
	var lines []int
	for i, text := range strings.Split(d.typed["matchers"], "\n") {
		if strings.TrimSpace(text) != "" {
			lines = append(lines, i+1)
		}
	}
	found := &managed.InvalidError{What: invalid.What}
	for _, problem := range invalid.Problems {
		if text, ok := strings.CutPrefix(problem.Pointer, "/matchers/"); ok {
			if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(lines) {
				problem = managed.Problem{Pointer: "/matchers", Detail: fmt.Sprintf("line %d: %s", lines[n], problem.Detail)}
			}
		}
		found.Problems = append(found.Problems, problem)
	}
	return found
}

// draftOf is what a form says of a channel. If it cannot be read, draftOf answers.
func (p *Pages) draftOf(w http.ResponseWriter, r *http.Request, besides ...string) (d channelDraft, in form, ok bool) {
	keys := channelKeys()
	in, ok = p.formOf(w, r, append(append([]string{"type", removeSecret}, besides...), keys...)...)
	if !ok {
		return d, in, false
	}
	d.kind, d.typed = alertconf.Kind(in.OneOf("type", kindNames()...)), in.typed(append(keys, removeSecret, "name"))
	if d.kind == "" {
		d.kind = alertconf.SlackWebhook
	}
	if err := in.Err(); err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return d, in, false
	}
	return d, in, true
}

// channelEdit is an Edit of a channel by who sent a request.
func (p *Pages) channelEdit(r *http.Request, name string) managed.Edit {
	return managed.Edit{By: p.Channels.Author(r, access.Edit, name)}
}

// channelConflict is what somebody else has changed of a channel, beside what was typed.
func channelConflict(c *catalogue, now *channels.Channel, d *channelDraft) *conflict {
	found := &conflict{Text: c.say("form.conflict", clean(now.Updated.By), now.Updated.At.UTC().Format("2006-01-02 15:04:05 UTC"))}
	shown := shownOf(now)
	words := func(f *channelField, text string) string {
		if f.key == "url" && !showable(text) {
			return "<secret>"
		}
		if f.kind == "choose" {
			return c.say("channel." + f.key + "_" + yesOrNo(text != no))
		}
		return printable.Text(strings.ReplaceAll(tidy(text), "\n", ", "), printable.MaxError)
	}
	if now.Kind != d.kind {
		found.Differences = append(found.Differences, difference{c.say("channel.to"), c.say("channel.kind." + string(now.Kind)), c.say("channel.kind." + string(d.kind))})
	}
	for _, f := range fieldsOf(d.kind) {
		if f.show != nil && !f.same(shown[f.key], d.typed[f.key]) {
			found.Differences = append(found.Differences, difference{channelLabel(c, d.kind, f.key), words(&f, shown[f.key]), words(&f, d.typed[f.key])})
		}
	}
	return found
}
