package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The files in the directory of an app that tell it how to be. The lab writes them, the app looks at each request.
const (
	fileMode   = "mode"   // hang, 500, 404, leak or flap; a start removes it
	fileSticky = "sticky" // no start removes the mode
	fileSlow   = "slow"   // how long a start takes before the app listens
	fileBad    = "bad"    // the app ends as soon as it is started
	filePID    = "pid"    // the app writes its process ID
)

// appRequestTime is how long the app waits for its database.
const appRequestTime = time.Second

// An app is the service that fails.
type app struct{ dir, db string }

// isApp reports whether PM2 runs this program as an app.
func isApp() bool { return len(os.Args) > 1 && os.Args[1] == "app" }

// serveApp is the process of an app. It never returns without an error.
func serveApp(args []string) {
	flags := flag.NewFlagSet("app", flag.ExitOnError)
	listen := flags.String("listen", "", "address to listen on")
	dir := flags.String("dir", "", "directory of the files that tell it how to be")
	db := flags.String("db", "", "address of the database without which it answers 500; empty: it needs none")
	_ = flags.Parse(args) // it exits by itself
	fmt.Fprintln(os.Stderr, (&app{dir: *dir, db: *db}).serve(*listen))
	os.Exit(1)
}

func (a *app) serve(address string) error {
	if _, bad := a.read(fileBad); bad {
		return errors.New("this version cannot start")
	}
	if err := os.WriteFile(filepath.Join(a.dir, filePID), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	if _, sticky := a.read(fileSticky); !sticky {
		_ = os.Remove(filepath.Join(a.dir, fileMode)) // an error: there is none
	}
	if slow, ok := a.read(fileSlow); ok {
		pause, err := time.ParseDuration(slow)
		if err != nil {
			return err
		}
		time.Sleep(pause)
	}
	server := &http.Server{Addr: address, Handler: a, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

func (a *app) read(name string) (text string, ok bool) {
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	return string(b), err == nil
}

// ServeHTTP implements http.Handler.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mode, _ := a.read(fileMode)
	switch mode {
	case "hang":
		<-r.Context().Done()
	case "leak":
		a.leak(r.Context())
	case "404":
		http.NotFound(w, r)
		return
	case "500":
		http.Error(w, "told to fail", http.StatusInternalServerError)
		return
	case "flap":
		const period, bad = 3, 1 // seconds
		if time.Now().Unix()%period < bad {
			http.Error(w, "told to fail now and then", http.StatusInternalServerError)
			return
		}
	}
	if a.db != "" && !reachable(r.Context(), a.db) {
		http.Error(w, "no database", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // an error: nobody listens any more
}

// leak makes each answer wait longer, the longer it lasts.
func (a *app) leak(ctx context.Context) {
	info, err := os.Stat(filepath.Join(a.dir, fileMode))
	if err != nil {
		return
	}
	const slowness = 5 // seconds until an answer takes one
	select {
	case <-time.After(time.Since(info.ModTime()) / slowness):
	case <-ctx.Done():
	}
}

func reachable(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, appRequestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// client keeps no connections, as curl does not.
var client = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
}}
