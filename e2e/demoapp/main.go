// Command demoapp is a server that breaks on request. Only a restart repairs it.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	listen := flag.String("listen", "", "address to listen on")
	path := flag.String("health-path", "/health", "path of the health check; every other path is 404")
	flag.Parse()
	server := &http.Server{Addr: *listen, Handler: new(app).routes(*path), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, "demoapp:", server.ListenAndServe())
	os.Exit(1)
}

// An app is healthy until a request breaks it.
type app struct{ broken atomic.Pointer[string] }

func (a *app) routes(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, a.health)
	mux.HandleFunc("POST /break/{how}", func(_ http.ResponseWriter, r *http.Request) {
		how := r.PathValue("how")
		a.broken.Store(&how)
	})
	return mux
}

func (a *app) health(w http.ResponseWriter, r *http.Request) {
	how := a.broken.Load()
	switch {
	case how == nil:
		_, _ = io.WriteString(w, "ok\n") // fails if the client has gone
	case *how == "hang":
		<-r.Context().Done()
	default:
		http.Error(w, "the demo app was told to break", http.StatusServiceUnavailable)
	}
}
