package fakeslack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a message, in characters unless said otherwise.
// https://api.slack.com/reference/messaging/attachments and https://api.slack.com/changelog/2018-04-truncating-really-long-messages
const (
	maxAttachments    = 100
	maxText           = 40000
	maxAttachmentText = 8000
	maxTitle          = 1024 // Alertmanager's own limit
	maxFooter         = 300
	maxActions        = 5
	maxActionText     = 30
)

// A Message is what Slack takes.
type Message struct {
	At time.Time `json:"-"` // of its arrival

	Channel     string       `json:"channel"`
	Username    string       `json:"username"`
	IconEmoji   string       `json:"icon_emoji"`
	IconURL     string       `json:"icon_url"`
	LinkNames   bool         `json:"link_names"`
	Mrkdwn      *bool        `json:"mrkdwn"`
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments"`
}

// An Attachment is a part of a message with a coloured bar beside it.
type Attachment struct {
	Fallback   string   `json:"fallback"`
	Color      string   `json:"color"`
	Pretext    string   `json:"pretext"`
	Title      string   `json:"title"`
	TitleLink  string   `json:"title_link"`
	Text       string   `json:"text"`
	Fields     []Field  `json:"fields"`
	Actions    []Action `json:"actions"`
	CallbackID string   `json:"callback_id"`
	ImageURL   string   `json:"image_url"`
	ThumbURL   string   `json:"thumb_url"`
	Footer     string   `json:"footer"`
	MrkdwnIn   []string `json:"mrkdwn_in"`
}

// A Field is a row of the table in an attachment.
type Field struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// An Action is a button below an attachment.
type Action struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	URL   string `json:"url"`
	Style string `json:"style"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Parse reads and checks the body of a request.
func Parse(body []byte) (Message, error) {
	var m Message
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Message{}, fmt.Errorf("decoding the message: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Message{}, errors.New("something follows the message")
	}
	if m.Text == "" && len(m.Attachments) == 0 {
		return Message{}, &refusal{http.StatusBadRequest, "no_text", errors.New("neither text nor attachments")}
	}
	if n := len(m.Attachments); n > maxAttachments {
		return Message{}, &refusal{http.StatusBadRequest, "too_many_attachments", fmt.Errorf("%d attachments, at most %d", n, maxAttachments)}
	}
	errs := []error{check("text", m.Text, maxText, markup)}
	for i := range m.Attachments {
		if err := m.Attachments[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("attachments[%d]: %w", i, err))
		}
	}
	return m, errors.Join(errs...)
}

var color = regexp.MustCompile(`^(good|warning|danger|#[0-9a-fA-F]{6})?$`)

func (a *Attachment) check() error {
	errs := []error{
		check("fallback", a.Fallback, maxText, plain),
		check("pretext", a.Pretext, maxAttachmentText, markup),
		check("title", a.Title, maxTitle, plain),
		check("title_link", a.TitleLink, maxText, link),
		check("text", a.Text, maxAttachmentText, markup),
		check("image_url", a.ImageURL, maxText, link),
		check("thumb_url", a.ThumbURL, maxText, link),
		check("footer", a.Footer, maxFooter, plain),
	}
	if a.Text == "" && a.Title == "" && a.Pretext == "" && len(a.Fields) == 0 {
		errs = append(errs, errors.New("nothing to show"))
	}
	if !color.MatchString(a.Color) {
		errs = append(errs, fmt.Errorf("color %q is none", a.Color))
	}
	for _, f := range a.Fields {
		errs = append(errs, check("field title", f.Title, maxTitle, plain), check("field value", f.Value, maxAttachmentText, markup))
	}
	for _, b := range a.Actions {
		errs = append(errs, check("action text", b.Text, maxActionText, plain), check("action url", b.URL, maxText, link))
		if b.Type != "button" || b.Text == "" {
			errs = append(errs, fmt.Errorf("action %+v is no button with a text", b))
		}
	}
	if n := len(a.Actions); n > maxActions {
		errs = append(errs, fmt.Errorf("%d actions, at most %d", n, maxActions))
	}
	for _, in := range a.MrkdwnIn {
		if in != "text" && in != "pretext" && in != "fields" && in != "fallback" {
			errs = append(errs, fmt.Errorf("mrkdwn_in %q is none", in))
		}
	}
	return errors.Join(errs...)
}

func check(name, text string, limit int, rule func(string) error) error {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Errorf("%s has %d characters, at most %d", name, n, limit)
	}
	if err := rule(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// ended are the colours of an alert that has ended: what it was about is well again, or is just past.
var ended = []string{"good", "#A0A0A0"}

// Firing reports whether the message is about a failure; otherwise it is about the end of one. The colour says which.
func (m *Message) Firing() bool {
	for i := range m.Attachments {
		if !slices.Contains(ended, m.Attachments[i].Color) {
			return true
		}
	}
	return len(m.Attachments) == 0
}

// Plain is the message as people read it.
func (m *Message) Plain() string {
	parts := []string{m.Text}
	for i := range m.Attachments {
		a := &m.Attachments[i]
		parts = append(parts, a.Pretext, a.Title, a.Text)
		for _, f := range a.Fields {
			parts = append(parts, f.Title+": "+f.Value)
		}
		var buttons []string
		for _, b := range a.Actions {
			buttons = append(buttons, "["+b.Text+"]")
		}
		parts = append(parts, strings.Join(buttons, " "), a.Footer)
	}
	var lines []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			lines = append(lines, p)
		}
	}
	return display(strings.Join(lines, "\n"))
}
