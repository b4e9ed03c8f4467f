//go:build !noaws

package ecs_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/ecs"
)

// A service as ECS describes it.
const shop = `{
	"serviceName": "shop", "serviceArn": "arn:aws:ecs:eu-central-1:123456789012:service/live/shop", "status": "ACTIVE",
	"desiredCount": 2, "runningCount": 2, "pendingCount": 0, "schedulingStrategy": "REPLICA",
	"deploymentController": {"type": "ECS"},
	"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200, "strategy": "ROLLING"},
	"deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED", "createdAt": 1767225600.5}]}`

// A cloud answers like ECS, over the wire (JSON 1.1). It keeps one service.
type cloud struct {
	*httptest.Server
	mu       sync.Mutex // protects the following
	service  map[string]any
	requests []string
	headers  http.Header
	answer   func(action string, w http.ResponseWriter) bool // instead of what ECS would; false: it does
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	c.set(t, shop)
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	dir := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "3",
	} {
		t.Setenv(name, value)
	}
	return c
}

func (c *cloud) set(t *testing.T, text string) {
	t.Helper()
	var service map[string]any
	if err := json.Unmarshal([]byte(text), &service); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.service = service
}

// edit replaces a part of the text of the service.
func (c *cloud) edit(t *testing.T, old, text string) {
	t.Helper()
	c.set(t, strings.Replace(shop, old, text, 1))
}

func (c *cloud) intercept(f func(action string, w http.ResponseWriter) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.requests = append(c.requests, action+" "+string(body))
	c.headers = r.Header
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if c.answer != nil && c.answer(action, w) {
		return
	}
	switch action {
	case "DescribeServices":
		if c.service == nil {
			fmt.Fprint(w, `{"services": [], "failures": [{"arn": "shop", "reason": "MISSING"}]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"services": []any{c.service}})
	case "UpdateService":
		old := c.service["deployments"].([]any)
		old[0].(map[string]any)["status"] = "ACTIVE"
		c.service["deployments"] = append([]any{map[string]any{
			"id": fmt.Sprint("ecs-svc/", len(c.requests)), "status": "PRIMARY", "rolloutState": "IN_PROGRESS",
			"createdAt": float64(time.Now().Unix()),
		}}, old...)
		_ = json.NewEncoder(w).Encode(map[string]any{"service": c.service})
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// settle plays ECS: the latest deployment ends in a state, and the others are gone.
func (c *cloud) settle(state, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	latest := c.service["deployments"].([]any)[0].(map[string]any)
	latest["rolloutState"], latest["rolloutStateReason"] = state, reason
	c.service["deployments"] = []any{latest}
}

// fail answers an action with an error, as ECS does.
func fail(action string, status int, code, message string) func(string, http.ResponseWriter) bool {
	return func(got string, w http.ResponseWriter) bool {
		if got != action {
			return false
		}
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type": %q, "message": %q}`, code, message)
		return true
	}
}

func (c *cloud) count(action string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, r := range c.requests {
		if strings.HasPrefix(r, action+" ") {
			n++
		}
	}
	return n
}

func backend(t *testing.T, c *cloud) *ecs.Backend {
	t.Helper()
	b, err := ecs.New(ecs.Config{Cluster: "live", Service: "shop", Region: "eu-central-1", Endpoint: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func inspect(t *testing.T, b *ecs.Backend) restart.Status {
	t.Helper()
	s, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A deployment from the decision to its end.
func TestDeployment(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	c := newCloud(t)
	b := backend(t, c)
	before := inspect(t, b)
	if before.Unfit != "" || !before.Running || before.Identity != "ecs-svc/1" || before.StartedAt.UnixMilli() != 1767225600500 {
		t.Fatalf("before it the status is %+v, want one that is fit and runs", before)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`DescribeServices {"cluster":"live","services":["shop"]}`, `DescribeServices {"cluster":"live","services":["shop"]}`,
		`UpdateService {"cluster":"live","forceNewDeployment":true,"service":"shop"}`,
	}
	if diff := cmp.Diff(want, c.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if a := c.headers.Get("Authorization"); !strings.Contains(a, "AKIDEXAMPLE/") || !strings.Contains(a, "/eu-central-1/ecs/aws4_request") {
		t.Errorf("the request is signed by %q", a)
	}
	if s := inspect(t, b); s.Running || s.Unfit != restart.UnfitRolling || s.Identity != "ecs-svc/3" {
		t.Errorf("during it the status is %+v, want rolling", s)
	}
	c.settle("COMPLETED", "")
	if s := inspect(t, b); !s.Running || s.Unfit != "" || s.Identity != "ecs-svc/3" || time.Since(s.StartedAt) > time.Hour {
		t.Errorf("after it the status is %+v, want another identity that runs", s)
	}
}

// The tasks of the deployment do not start, ECS rolls it back, or somebody else deploys.
func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(c *cloud)
		want   restart.Status // without the detail
		detail string
	}{
		{
			"failed", func(c *cloud) { c.settle("FAILED", "ECS deployment circuit breaker: tasks failed to start.") },
			restart.Status{Identity: "ecs-svc/3", Unfit: restart.UnfitLooping},
			"its tasks do not start",
		},
		{
			"taken back", func(c *cloud) {
				c.settle("COMPLETED", "rolling back")
				c.service["deployments"].([]any)[0].(map[string]any)["id"] = "ecs-svc/1"
			},
			restart.Status{Identity: "ecs-svc/1", Running: true},
			"the deployment ecs-svc/3 of the restart is no longer the latest",
		},
		{
			"not enough tasks", func(c *cloud) { c.settle("COMPLETED", ""); c.service["runningCount"] = 1 },
			restart.Status{Identity: "ecs-svc/3"},
			"2 tasks wanted, 1 running",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			b := backend(t, c)
			if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: inspect(t, b)}); err != nil {
				t.Fatal(err)
			}
			tt.change(c)
			got := inspect(t, b)
			if !strings.Contains(got.Detail, tt.detail) {
				t.Errorf("detail is %q, want one with %q", got.Detail, tt.detail)
			}
			got.Detail, got.StartedAt = "", time.Time{}
			if got != tt.want {
				t.Errorf("status is %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestUnfit(t *testing.T) {
	for _, tt := range []struct {
		name, old, text string
		want            restart.Unfit
	}{
		{"fit", "", "", ""},
		{"nothing runs", `"runningCount": 2`, `"runningCount": 0`, ""},
		{"inactive", "ACTIVE", "INACTIVE", restart.UnfitMissing},
		{"no tasks", `"desiredCount": 2`, `"desiredCount": 0`, restart.UnfitStopped},
		{"daemon", `"desiredCount": 2, "runningCount": 2, "pendingCount": 0, "schedulingStrategy": "REPLICA"`, `"desiredCount": 0, "schedulingStrategy": "DAEMON"`, restart.UnfitUnsuited}, // 100 % of the tasks have to run
		{"daemon that may stop", `"REPLICA",
	"deploymentController": {"type": "ECS"},
	"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200,`, `"DAEMON", "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100,`, ""},
		{"by CodeDeploy", `"type": "ECS"`, `"type": "CODE_DEPLOY"`, restart.UnfitUnsuited},
		{"blue and green", `ROLLING`, `BLUE_GREEN`, restart.UnfitUnsuited},
		{"by default", `{"minimumHealthyPercent": 100, "maximumPercent": 200, "strategy": "ROLLING"}`, `{}`, ""},
		{"no room", `"maximumPercent": 200`, `"maximumPercent": 100`, restart.UnfitUnsuited},
		{"no room for half a task", `"minimumHealthyPercent": 100, "maximumPercent": 200`, `"minimumHealthyPercent": 51, "maximumPercent": 149`, restart.UnfitUnsuited},
		{"half of them", `"minimumHealthyPercent": 100, "maximumPercent": 200`, `"minimumHealthyPercent": 50, "maximumPercent": 100`, ""},
		{"in progress", "COMPLETED", "IN_PROGRESS", restart.UnfitRolling},
		{"failed", "COMPLETED", "FAILED", restart.UnfitLooping},
		{"two deployments", `"deployments": [`, `"deployments": [{"id": "ecs-svc/0", "status": "ACTIVE", "rolloutState": "COMPLETED"}, `, restart.UnfitRolling},
		{"none", `{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED", "createdAt": 1767225600.5}`, ``, restart.UnfitRolling},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.edit(t, tt.old, tt.text)
			b := backend(t, c)
			s := inspect(t, b)
			if s.Unfit != tt.want {
				t.Errorf("status is %+v, want unfit %q", s, tt.want)
			}
			err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: s})
			if refused := errors.Is(err, restart.ErrRefused); refused != (tt.want != "") || c.count("UpdateService") == 1 == refused {
				t.Errorf("restarting: %v with %d requests, want a refusal: %t", err, c.count("UpdateService"), tt.want != "")
			}
		})
	}
}

// Whatever is answered, a deployment is asked for once. If ECS has declined, nothing was done; otherwise something may have been.
func TestOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  func(string, http.ResponseWriter) bool
		refused bool
		want    string
	}{
		{"500", fail("UpdateService", 500, "ServerException", "Service Unavailable"), false, "ECS answered ServerException: Service Unavailable"},
		{"503", fail("UpdateService", 503, "ServiceUnavailable", ""), false, "ECS answered ServiceUnavailable"},
		{"throttled", fail("UpdateService", 400, "ThrottlingException", "Rate exceeded"), true, "ECS answered ThrottlingException: Rate exceeded"},
		{"denied", fail("UpdateService", 400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to perform: ecs:UpdateService"), true, "want a policy as in examples/ecs/iam-policy.json"},
		{"gone", fail("UpdateService", 400, "ServiceNotActiveException", "Service was not ACTIVE."), true, "ServiceNotActiveException"},
		{"sent elsewhere", func(action string, w http.ResponseWriter) bool {
			if action == "UpdateService" {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
			return action == "UpdateService"
		}, false, "deploying the service \"shop\""},
		{"hangs up", func(action string, _ http.ResponseWriter) bool {
			if action == "UpdateService" {
				panic(http.ErrAbortHandler)
			}
			return false
		}, false, "deploying the service \"shop\""},
		{"no look", fail("DescribeServices", 400, "ClusterNotFoundException", "Cluster not found."), true, "want a cluster of this account and region"},
		{"old credentials", fail("DescribeServices", 400, "ExpiredTokenException", "The security token is expired"), true, "the credentials are expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			b := backend(t, c)
			c.intercept(tt.answer)
			err := b.Restart(t.Context(), restart.Attempt{ID: "1"})
			if err == nil || errors.Is(err, restart.ErrRefused) != tt.refused || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %v, want one with %q, a refusal: %t", err, tt.want, tt.refused)
			}
			if n := c.count("UpdateService"); n > 1 {
				t.Errorf("asked for %d deployments, want one", n)
			}
		})
	}
}

// In HTTP/2 a server may ask for a request to be sent again, so HTTP/2 is not used. AWS' own variable names the certificate.
func TestProtocol(t *testing.T) {
	c := newCloud(t)
	var protocol atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		c.serve(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	b, err := ecs.New(ecs.Config{Cluster: "live", Service: "shop", Region: "eu-central-1", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1"}); err != nil || protocol.Load() != "HTTP/1.1" {
		t.Errorf("error %v, sent by %v, want HTTP/1.1", err, protocol.Load())
	}
}

// If the credentials are gone when the deployment needs them, nothing was asked for.
func TestNoCredentials(t *testing.T) {
	c := newCloud(t)
	var mu sync.Mutex // protects the following
	given := 0
	role := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		given++
		if given > 1 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"AccessKeyId": "AKIDROLE", "SecretAccessKey": "canary", "Token": "canary", "Expiration": %q}`,
			time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(role.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", role.URL)
	err := backend(t, c).Restart(t.Context(), restart.Attempt{ID: "1"})
	if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "failed to refresh cached credentials") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want a refusal", err)
	}
	if c.count("DescribeServices") != 1 || c.count("UpdateService") != 0 {
		t.Errorf("requests %q", c.requests)
	}
}

// A look may be repeated.
func TestLookAgain(t *testing.T) {
	c := newCloud(t)
	broken := fail("DescribeServices", 500, "ServerException", "")
	n := 0
	c.intercept(func(action string, w http.ResponseWriter) bool {
		n++
		return n < 3 && broken(action, w)
	})
	if s := inspect(t, backend(t, c)); s.Identity != "ecs-svc/1" || c.count("DescribeServices") != 3 {
		t.Errorf("status is %+v after %d requests, want one after the third", s, c.count("DescribeServices"))
	}
}

func TestSomebodyElse(t *testing.T) {
	c := newCloud(t)
	b := backend(t, c)
	before := inspect(t, b)
	c.edit(t, "ecs-svc/1", "ecs-svc/2")
	err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before})
	if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "deployed by somebody else") || c.count("UpdateService") != 0 {
		t.Errorf("error is %v, want a refusal", err)
	}
	c.service = nil
	if s := inspect(t, b); s.Unfit != restart.UnfitMissing || s.Identity != "" {
		t.Errorf("status is %+v, want missing", s)
	}
	c.Close()
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1"}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want a refusal: nobody is there", err)
	}
}

func TestProfile(t *testing.T) {
	c := newCloud(t)
	cfg := ecs.Config{Cluster: "live", Service: "shop", Region: "eu-central-1", Profile: "live", Endpoint: c.URL}
	if _, err := ecs.New(cfg); err == nil || !strings.Contains(err.Error(), "reading the configuration of AWS") {
		t.Errorf("without the profile: error is %v", err)
	}
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte("[profile live]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	b, err := ecs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	inspect(t, b)
	if a := c.headers.Get("Authorization"); !strings.Contains(a, "AKIDPROFILE/") {
		t.Errorf("the request is signed by %q, want the profile", a)
	}
}
