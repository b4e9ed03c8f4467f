package prober

import "bytes"

// maxRefusedBody is how much of the body of a refusal the command line shows, in bytes.
const maxRefusedBody = 100

// maxRefusal is how much of the body of an answer 400 is looked at, in bytes.
const maxRefusal = 1 << 10

// tlsWanted are the words in which servers answer a request by plain HTTP on a port for TLS: with status 400, and a page
// or a line that says so.
var tlsWanted = [][]byte{
	[]byte("The plain HTTP request was sent to HTTPS port"),     // nginx
	[]byte("speaking plain HTTP to an SSL-enabled server port"), // Apache httpd
	[]byte("Client sent an HTTP request to an HTTPS server"),    // net/http of Go, so Caddy and Traefik
	[]byte("This combination of host and port requires TLS"),    // Apache Tomcat
}

// wantsTLS reports whether the body of an answer 400 begins as that of a port for TLS.
func wantsTLS(body []byte) bool {
	for _, words := range tlsWanted {
		if bytes.Contains(body, words) {
			return true
		}
	}
	return false
}
