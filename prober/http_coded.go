package prober

import (
	"net/http"
	"slices"
	"strings"
)

// compressions are the content codings that compress (RFC 9110 section 8.4.1, RFC 8878, RFC 9842). Other values of
// Content-Encoding, such as utf-8 or aws-chunked, do not.
var compressions = []string{"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"}

// judgeCoding refuses to judge a body that is still compressed, because no condition on it would mean what it says.
func (p *httpProber) judgeCoding(h http.Header, body []byte) error {
	decoded := p.cfg.Compression != "" && p.cfg.Compression != "identity"
	if !p.cfg.NeedsBody() || decoded || len(body) == 0 {
		return nil
	}
	i := slices.IndexFunc(list(h, "Content-Encoding"), func(coding string) bool {
		return slices.Contains(compressions, strings.ToLower(coding))
	})
	if i < 0 {
		return nil
	}
	coding := strings.ToLower(list(h, "Content-Encoding")[i])
	reason := ReasonBody
	if len(p.cfg.FailIfBodyMatches)+len(p.cfg.FailIfBodyNotMatches) == 0 {
		reason = ReasonJSON
	}
	advice := "leave out the header Accept-Encoding of the module"
	if slices.Contains([]string{"gzip", "br", "deflate"}, coding) {
		advice = "set compression: " + coding
	}
	return failf(reason, PhaseCheck, "the body is compressed (Content-Encoding: %s), and the module does not decompress it: %s", coding, advice)
}
