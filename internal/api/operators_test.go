package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
)

// A fleet remembers what it was asked and ordered.
type fleet struct {
	Restarts
	orders []string
	err    error
	asked  chan struct{} // gets one element for every explanation, which then lasts as long as its context
}

func (f *fleet) Explain(ctx context.Context, _ string) (any, error) {
	f.asked <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *fleet) Resume(name string, by Operator) (any, error) {
	f.orders = append(f.orders, "resume "+name+" "+by.who()+" "+by.Reason)
	return map[string]string{"service": name}, f.err
}

func (o Operator) who() string {
	if o.SaidBy == "" {
		return o.Who
	}
	return o.Who + "/" + o.SaidBy
}

func (f *fleet) ReleaseBrake(scope string, by Operator) (any, error) {
	f.orders = append(f.orders, "release "+scope+" "+by.Who+" "+by.Reason)
	return map[string]string{"scope": scope}, f.err
}

func operators(f *fleet, refused func()) *Operators {
	return admitting(f, Caller{}, refused)
}

func admitting(f *fleet, from Caller, refused func()) *Operators {
	admit := func(http.ResponseWriter, *http.Request, access.Role) (Caller, error) { return from, nil }
	return NewOperators(f, admit, refused, slog.New(slog.DiscardHandler))
}

func ask(t *testing.T, h http.Handler, method, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
	r.SetPathValue("service", "shop")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOrders(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		brake      bool
		err        error
		status     int
		orders     []string
		retry      string
	}{
		{name: "without a body", status: 200, orders: []string{"resume shop  "}},
		{name: "with who and why", body: `{"who": "jo", "reason": "deployed"}`, status: 200, orders: []string{"resume shop jo deployed"}},
		{name: "the brake of the fleet", body: `{"who": "jo"}`, brake: true, status: 200, orders: []string{"release fleet jo "}},
		{name: "the brake of a group", body: `{"who": "jo", "scope": "group/web"}`, brake: true, status: 200, orders: []string{"release group/web jo "}},
		{name: "an unknown key", body: `{"whom": "jo"}`, status: 400},
		{name: "an array", body: `[]`, status: 400},
		{name: "two orders", body: `{} {}`, status: 400},
		{name: "a number for a name", body: `{"who": 1}`, status: 400},
		{name: "too long", body: `{"who": "` + strings.Repeat("x", maxOrder) + `"}`, status: 413},
		{
			name: "a problem", err: &StatusError{Status: 429, RetryAfter: time.Second, Err: errors.New("too many")},
			status: 429, orders: []string{"resume shop  "}, retry: "1",
		},
		{name: "what may be gone later", err: errors.New("not loaded yet"), status: 503, orders: []string{"resume shop  "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, refused := &fleet{err: tc.err}, 0
			o := operators(f, func() { refused++ })
			h := o.Resume()
			if tc.brake {
				h = o.ReleaseBrake()
			}
			w := ask(t, h, http.MethodPost, tc.body)
			if w.Code != tc.status || w.Header().Get("Retry-After") != tc.retry || (refused == 1) != (tc.status != 200) {
				t.Errorf("the answer is %d, Retry-After %q, %d refused; want %d, %q: %s",
					w.Code, w.Header().Get("Retry-After"), refused, tc.status, tc.retry, w.Body)
			}
			if diff := cmp.Diff(tc.orders, f.orders); diff != "" {
				t.Errorf("orders (-want +got):\n%s", diff)
			}
		})
	}
}

// Who has proved a name gives orders under that name alone. What the body says is noted beside it.
func TestWhoGivesAnOrder(t *testing.T) {
	alice, am := Caller{Name: "alice", Proved: true}, Caller{Name: "am"}
	for _, tc := range []struct {
		from Caller
		body string
		want string
	}{
		{alice, ``, "resume shop alice "},
		{alice, `{"who": "alice"}`, "resume shop alice "},
		{alice, `{"who": ""}`, "resume shop alice "},
		{alice, `{"who": "jo"}`, "resume shop alice/jo "},
		{alice, `{"WHO": "jo"}`, "resume shop alice/jo "},
		{am, ``, "resume shop am "},
		{am, `{"who": "jo"}`, "resume shop jo "},
		{Caller{}, `{"who": "jo"}`, "resume shop jo "},
		{alice, `{"who": "alice", "said_by": "jo"}`, ""},
		{alice, `{"who": "alice", "SaidBy": "jo"}`, ""},
	} {
		f := &fleet{}
		ask(t, admitting(f, tc.from, func() {}).Resume(), http.MethodPost, tc.body)
		if got := strings.Join(f.orders, "\n"); got != tc.want {
			t.Errorf("%s from %+v is %q, want %q", tc.body, tc.from, got, tc.want)
		}
	}
}

// An explanation asks a back-end. One too many waits for its turn, and not for ever.
func TestTooManyExplanations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{asked: make(chan struct{}, 2*maxExplaining)}
		h := operators(f, func() {}).Explain()
		codes := make(chan int, maxExplaining+1)
		for range maxExplaining + 1 {
			go func() { codes <- ask(t, h, http.MethodGet, "").Code }()
		}
		synctest.Wait()
		if n := len(f.asked); n != maxExplaining {
			t.Errorf("%d explanations are made at a time, want %d", n, maxExplaining)
		}
		for range maxExplaining + 1 {
			if code := <-codes; code != http.StatusServiceUnavailable {
				t.Errorf("the answer is %d, want 503", code)
			}
		}
	})
}
