package cli

import "testing"

func TestConnectSaysWhatWasMeant(t *testing.T) {
	const invalid = "the URL of the exporter is not valid, want http://host:port or https://host:port"
	for _, tt := range []struct{ name, url, want string }{
		{"address and port", "127.0.0.1:30000", invalid + ", did you mean http://127.0.0.1:30000?"},
		{"name and port", "localhost:30000", invalid + ", did you mean http://localhost:30000?"},
		{"one slash", "https:/exporter.example", invalid + ", did you mean https://exporter.example?"},
		{"IPv6 address", "::1", invalid + ", did you mean http://[::1]? An IPv6 address has brackets, and a port comes after them."},
		{"credentials are not repeated", "user:canary@127.0.0.1:30000", invalid},
		{"nothing", "", invalid},
		{"another scheme", "ftp://127.0.0.1:30000", invalid},
		{"good", "http://127.0.0.1:30000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			c, err := (&Exporter{URL: tt.url}).connect("targets")
			if err != nil {
				got = err.Error()
			} else {
				c.close()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}
