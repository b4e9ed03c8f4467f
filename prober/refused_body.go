package prober

import "bytes"

// maxRefusedBody is how much of the body of a refusal the command line shows, in bytes.
const maxRefusedBody = 100

// maxRefusal is how much of the body of a status 400 is looked at, in bytes.
const maxRefusal = 1 << 10

// tlsWanted are the words with which servers answer plain HTTP on a port for TLS. They do so with status 400, in a page
// or a line.
var tlsWanted = [][]byte{
	[]byte("The plain HTTP request was sent to HTTPS port"),     // nginx
	[]byte("speaking plain HTTP to an SSL-enabled server port"), // Apache httpd
	[]byte("Client sent an HTTP request to an HTTPS server"),    // net/http of Go, so Caddy and Traefik
	[]byte("This combination of host and port requires TLS"),    // Apache Tomcat
}

// wantsTLS reports whether the body of a status 400 comes from a port for TLS.
func wantsTLS(body []byte) bool {
	for _, words := range tlsWanted {
		if bytes.Contains(body, words) {
			return true
		}
	}
	return false
}
