package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// The command check warns of a body that nobody would decompress.
func TestCheckUndecoded(t *testing.T) {
	for block, want := range map[string]bool{
		"headers: {Accept-Encoding: gzip}":                              true,
		"headers: {accept-encoding: 'br, *;q=0.1'}":                     true,
		"headers: {Accept-Encoding: identity}":                          false,
		"headers: {Accept-Encoding: gzip}, compression: gzip":           false,
		"headers: {Accept: text/html}":                                  false,
		"compression: gzip":                                             false,
		"headers: {Accept-Encoding: 'gzip;q=0, identity'}":              false,
		"headers: {Accept-Encoding: zstd}, valid_status_codes: ['2xx']": true,
	} {
		file := configFile(t, "modules: {m: {prober: http, http: {"+block+"}}}\n")
		var out, errOut bytes.Buffer
		status := Check(t.Context(), &out, &errOut, config.Options{}, []string{file})
		if got := strings.Contains(errOut.String(), "warning: modules.m: the header Accept-Encoding"); got != want || status != ExitSuccess {
			t.Errorf("%s: warned %t with status %d, want %t: %s", block, got, status, want, errOut.String())
		}
	}
}
