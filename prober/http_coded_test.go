package prober_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A condition on a body that is still compressed would say the opposite of what it means.
func TestCodedBody(t *testing.T) {
	var page bytes.Buffer
	w := gzip.NewWriter(&page)
	_, _ = w.Write([]byte(`{"text": "<!DOCTYPE html>"}`))
	_ = w.Close()
	const (
		asks      = "headers: {Accept-Encoding: gzip}\n"
		forbidden = asks + "fail_if_body_matches_regexp: ['<!DOCTYPE html>']"
		wanted    = asks + "fail_if_body_not_matches_regexp: ['DOCTYPE']"
		json      = asks + "fail_if_body_json_not_matches_cel: has(body.text)"
		said      = "the body is compressed (Content-Encoding: gzip), and the module does not decompress it: set compression: gzip"
	)
	for name, tt := range map[string]struct {
		block, coding string
		body          []byte
		reason        prober.Reason
		text          string
	}{
		"forbidden":                  {forbidden, "gzip", page.Bytes(), prober.ReasonBody, said},
		"wanted":                     {wanted, "gzip", page.Bytes(), prober.ReasonBody, said},
		"JSON":                       {json, "gzip", page.Bytes(), prober.ReasonJSON, said},
		"not asked for":              {"fail_if_body_matches_regexp: [x]", "GZIP", page.Bytes(), prober.ReasonBody, said},
		"identity is wanted":         {"compression: identity\nfail_if_body_not_matches_regexp: [DOCTYPE]", "gzip", page.Bytes(), prober.ReasonBody, said},
		"several":                    {wanted, "identity, gzip", page.Bytes(), prober.ReasonBody, said},
		"what is not decompressed":   {wanted, "zstd", page.Bytes(), prober.ReasonBody, "leave out the header Accept-Encoding"},
		"decompressed":               {wanted + "\ncompression: gzip", "gzip", page.Bytes(), "", ""},
		"no condition":               {asks, "gzip", page.Bytes(), "", ""},
		"nothing":                    {forbidden, "gzip", nil, "", ""},
		"not a coding":               {wanted, "utf-8", []byte("<!DOCTYPE html>"), "", ""},
		"of uploads":                 {wanted, "aws-chunked", []byte("<!DOCTYPE html>"), "", ""},
		"identity":                   {wanted, "identity", []byte("<!DOCTYPE html>"), "", ""},
		"the status comes first":     {wanted + "\nvalid_status_codes: [201]", "gzip", page.Bytes(), prober.ReasonStatus, ""},
		"no Content-Encoding at all": {wanted, "", []byte("<!DOCTYPE html>"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.coding != "" {
					w.Header().Set("Content-Encoding", tt.coding)
				}
				_, _ = w.Write(tt.body)
			}))
			res := probe(t, newProber(t, tt.block), target(t, s.URL), patient)
			if tt.reason == "" {
				wantSuccess(t, res)
				return
			}
			wantFailure(t, res, tt.reason, prober.PhaseCheck, tt.text)
		})
	}
}
