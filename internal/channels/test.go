package channels

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A Test is a test alert to one channel.
type Test struct {
	Channel string    `json:"channel"`
	By      string    `json:"by"`
	Started time.Time `json:"started"`
	// Ended is when all was over. Zero: it is under way.
	Ended time.Time `json:"ended,omitzero"`
	// OK says that it has ended and came through.
	OK bool `json:"ok"`
	// Hops are those whose outcome is known.
	Hops []Hop `json:"hops"`
	// Error is why nothing was sent, or why the test was cut short. Empty: it was not.
	Error string `json:"error,omitempty"`
}

// A Hop is one step on the way of an alert.
type Hop struct {
	Name string   `json:"name"`
	OK   bool     `json:"ok"`
	Said []string `json:"said"`
}

// A TestAlert is what a Sender sends.
type TestAlert struct {
	Labels map[string]string
	// Receiver is the one of Alertmanager to which it has to be routed.
	Receiver string
	// Description is its annotation, for those who get it.
	Description string
}

// A Sender sends a test alert through Alertmanager, tells each hop, and ends it in any case, also if ctx ends. An error says why
// nothing was sent.
type Sender func(ctx context.Context, a TestAlert, tell func(Hop)) error

// The limits of tests.
const (
	maxTests  = 4               // at once
	testAgain = 5 * time.Second // after how long somebody may ask again who was too early: most tests take a second or two
)

// Tests are the last tests of channels, and those under way. Make them with NewTests, and close them at the end.
type Tests struct {
	// find returns a channel. The error is ErrOff, a managed.StoreError or a MissingError.
	find func(name string) (Channel, error)
	send Sender
	runs sync.WaitGroup

	mu      sync.Mutex         // protects the following
	last    map[string]*tested // by channel; only of those that there are
	running map[string]func()  // what cuts each short
	closed  bool
}

// A tested is a test, and the channel as it was then.
type tested struct {
	test    Test
	channel Channel
}

// NewTests makes Tests.
func NewTests(e *Editor, send Sender) *Tests {
	return newTests(func(name string) (Channel, error) {
		if _, err := e.Alertmanager(); err != nil {
			return Channel{}, err
		}
		c, ok := e.Channel(name)
		if !ok {
			return Channel{}, &MissingError{Name: name}
		}
		return c, nil
	}, send)
}

func newTests(find func(string) (Channel, error), send Sender) *Tests {
	return &Tests{find: find, send: send, last: map[string]*tested{}, running: map[string]func(){}}
}

// Start begins a test of a channel, for who asks. It does not wait for its end. An error is ErrOff, a MissingError, or a
// managed.TooManyError if there is one under way.
func (t *Tests) Start(name, by string) (Test, error) {
	c, err := t.find(name)
	if err != nil {
		return Test{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch _, running := t.running[name]; {
	case t.closed:
		return Test{}, tooMany(errors.New("the exporter is stopping"))
	case running:
		return Test{}, tooMany(fmt.Errorf("a test of channel %q is under way", name))
	case len(t.running) >= maxTests:
		return Test{}, tooMany(fmt.Errorf("%d tests are under way, which is as many as there may be at once", maxTests))
	}
	t.forgetGone()
	run := &tested{Test{Channel: name, By: by, Started: time.Now().UTC(), Hops: []Hop{}}, c}
	ctx, cancel := context.WithCancel(context.Background())
	t.last[name], t.running[name] = run, cancel
	t.runs.Go(func() {
		defer cancel()
		t.run(ctx, run)
	})
	return run.copied(), nil
}

func tooMany(err error) error { return &managed.TooManyError{RetryAfter: testAgain, Err: err} }

// run makes a test.
func (t *Tests) run(ctx context.Context, run *tested) {
	c := &run.channel
	alert := TestAlert{
		Labels: c.TestLabels(), Receiver: c.ReceiverName(),
		Description: fmt.Sprintf("%s is testing the channel %s. Nothing is wrong.", printable.Line(run.test.By, printable.MaxLog), c.Name),
	}
	err := t.send(ctx, alert, func(h Hop) {
		t.mu.Lock()
		defer t.mu.Unlock()
		run.test.Hops = append(run.test.Hops, h)
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, c.Name)
	run.test.Ended = time.Now().UTC()
	failed := slices.ContainsFunc(run.test.Hops, func(h Hop) bool { return !h.OK })
	switch {
	case err != nil:
		run.test.Error = printable.Line(err.Error(), printable.MaxError)
	case ctx.Err() != nil && !failed:
		run.test.Error = "it was cut short: the exporter was stopped"
	default:
		run.test.OK = !failed && len(run.test.Hops) > 0
	}
}

// copied is the test as it is now. The caller holds mu of the Tests.
func (t *tested) copied() Test {
	now := t.test
	now.Hops = slices.Clone(now.Hops)
	return now
}

// holds reports whether the test says something of a channel as it is now: whether its messages go the same way. It says
// so of one that was switched on or off since.
func (t *tested) holds(now *Channel) bool {
	way := func(c *Channel) alertconf.Channel {
		w := c.Channel
		w.Enabled, w.SendResolved, w.GroupWait = false, false, nil
		return w
	}
	return reflect.DeepEqual(way(&t.channel), way(now)) && t.channel.Secret.UpdatedAt.Equal(now.Secret.UpdatedAt) &&
		t.channel.Created.At.Equal(now.Created.At)
}

// forgetGone drops the tests of channels that do not exist any more. The caller holds mu.
func (t *Tests) forgetGone() {
	for name := range t.last {
		if _, err := t.find(name); err != nil {
			delete(t.last, name)
		}
	}
}

// Last is the last test of a channel, unless its messages go another way now.
func (t *Tests) Last(name string) (Test, bool) {
	c, err := t.find(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	run := t.last[name]
	if run == nil || err != nil || !run.holds(&c) {
		return Test{}, false
	}
	return run.copied(), true
}

// Close cuts the tests under way short, and waits until their alerts have ended, or ctx has.
func (t *Tests) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	for _, cancel := range t.running {
		cancel()
	}
	idle := len(t.running) == 0
	t.mu.Unlock()
	if idle { // also if ctx has ended already
		t.runs.Wait()
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.runs.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a test alert may go on until it ends by itself: %w", ctx.Err())
	}
}
