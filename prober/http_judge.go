package prober

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// judgeHead checks everything about a response but its body. It returns nil for an acceptable one.
func (p *httpProber) judgeHead(resp *http.Response) *failure {
	if resp.StatusCode < http.StatusContinue {
		return failf(ReasonHTTPVersion, PhaseCheck, "status %03d, which HTTP does not have", resp.StatusCode)
	}
	if !p.cfg.ValidStatusCodes.Contains(resp.StatusCode) {
		return failf(ReasonStatus, PhaseCheck, "status %d, want %s", resp.StatusCode, p.cfg.ValidStatusCodes)
	}
	if err := p.judgeHeaders(resp.Header); err != nil {
		return err
	}
	if want := p.cfg.ValidHTTPVersions; len(want) > 0 && !slices.Contains(want, resp.Proto) {
		return failf(ReasonHTTPVersion, PhaseCheck, "version %s, want %s", resp.Proto, strings.Join(want, " or "))
	}
	switch overTLS := resp.Request.URL.Scheme == "https"; {
	case overTLS && p.cfg.FailIfSSL:
		return failf(ReasonSSLForbidden, PhaseCheck, "the last response came over TLS, want it without (fail_if_ssl)")
	case !overTLS && p.cfg.FailIfNotSSL:
		return failf(ReasonSSLRequired, PhaseCheck, "the last response came without TLS, want it over TLS (fail_if_not_ssl)")
	}
	return nil
}

func (p *httpProber) judgeHeaders(h http.Header) *failure {
	for _, m := range p.cfg.FailIfHeaderMatches {
		values, err := headerValues(h, m)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(values, m.Regexp.MatchString) {
			return failf(ReasonHeader, PhaseCheck, "header %q matches %q, want no match", m.Header, m.Regexp.String())
		}
	}
	for _, m := range p.cfg.FailIfHeaderNotMatches {
		values, err := headerValues(h, m)
		if err != nil {
			return err
		}
		if len(values) > 0 && !slices.ContainsFunc(values, m.Regexp.MatchString) {
			return failf(ReasonHeader, PhaseCheck, "header %q does not match %q", m.Header, m.Regexp.String())
		}
	}
	return nil
}

// headerValues are the values to match. There are none only if the header may be missing.
func headerValues(h http.Header, m config.HeaderMatch) ([]string, *failure) {
	values := h.Values(m.Header)
	if len(values) == 0 && !m.AllowMissing {
		return nil, failf(ReasonHeader, PhaseCheck, "header %q is missing", m.Header)
	}
	return values, nil
}

// judgeBody checks the whole body by the regular expressions first, then as JSON.
func (p *httpProber) judgeBody(ctx context.Context, body []byte) error {
	match := func(re config.Regexp) bool { return matches(ctx, re, body) }
	for _, re := range p.cfg.FailIfBodyMatches {
		if match(re) {
			return failf(ReasonBody, PhaseCheck, "body matches %q, want no match", re.String())
		}
	}
	for _, re := range p.cfg.FailIfBodyNotMatches {
		if !match(re) && ctx.Err() == nil {
			return failf(ReasonBody, PhaseCheck, "body does not match %q", re.String())
		}
	}
	err := p.judgeJSON(ctx, body)
	if ctx.Err() != nil && !errors.Is(err, errNoMemory) {
		return tooLate()
	}
	return err
}

// maxAtOnce is the largest body in bytes that is matched without looking at the time. It takes a few milliseconds.
const maxAtOnce = 128 << 10

// matches returns false if the time is up.
func matches(ctx context.Context, re config.Regexp, body []byte) bool {
	if ctx.Err() != nil {
		return false
	}
	if len(body) <= maxAtOnce {
		return re.Match(body)
	}
	return re.MatchReader(&runeReader{ctx: ctx, r: bytes.NewReader(body)})
}

// submatch is the first match with its groups, as indices. It is nil if there is none, or if the time is up.
func submatch(ctx context.Context, re config.Regexp, text []byte) []int {
	switch {
	case ctx.Err() != nil:
		return nil
	case len(text) <= maxAtOnce:
		return re.FindSubmatchIndex(text)
	default:
		return re.FindReaderSubmatchIndex(&runeReader{ctx: ctx, r: bytes.NewReader(text)})
	}
}

// A runeReader ends with its context.
type runeReader struct {
	ctx context.Context //nolint:containedctx // a RuneReader has no other way to be told
	r   *bytes.Reader
	n   uint
}

// ReadRune implements io.RuneReader.
func (r *runeReader) ReadRune() (ch rune, size int, err error) {
	r.n++
	if r.n%1024 == 0 && r.ctx.Err() != nil {
		return 0, 0, io.EOF
	}
	return r.r.ReadRune()
}

func (p *httpProber) judgeJSON(ctx context.Context, body []byte) error {
	forbidden, wanted := p.cfg.FailIfBodyJSONMatch, p.cfg.FailIfBodyJSONNotMatch
	if forbidden == nil && wanted == nil {
		return nil
	}
	if ctx.Err() != nil {
		return tooLate()
	}
	release, err := takeToJudge(ctx, PhaseCheck, body, forbidden, wanted)
	if err != nil {
		return err
	}
	defer release()
	value, err := config.ParseDocument(body)
	if err != nil {
		return failf(ReasonJSON, PhaseCheck, "body is not JSON%s", jsonPlace(err))
	}
	for _, c := range []struct {
		cel  *config.CEL
		want bool
	}{{forbidden, false}, {wanted, true}} {
		if c.cel == nil {
			continue
		}
		got, err := c.cel.Eval(ctx, value)
		if err != nil {
			return failf(ReasonJSON, PhaseCheck, "%q cannot be evaluated for the body: %w", c.cel.Expression, err)
		}
		if got != c.want {
			return failf(ReasonJSON, PhaseCheck, "%q is %t for the body, want %t", c.cel.Expression, got, c.want)
		}
	}
	return nil
}

// tooLate is the failure of an answer that came in time, but was not judged in time.
func tooLate() *failure {
	return failf(ReasonTransferTimeout, PhaseCheck, "judging the body: not finished in time")
}
