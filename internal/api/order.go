package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// maxOrder is how large the body of an order may be, in bytes.
const maxOrder = 16 << 10

// An Operator says who gives an order, and why.
type Operator struct {
	Who    string `json:"who,omitempty"`
	Reason string `json:"reason,omitempty"`
	// SaidBy is who the body says, where the request has proved to be from another.
	SaidBy string `json:"-"`
}

// A Caller is who asks or orders.
type Caller struct {
	// Name is who it is unless the body of an order says otherwise. It may be empty.
	Name string
	// Proved is whether the name was proved to be that of one person: nobody gives an order in the name of another.
	Proved bool
}

// decode reads an order of the caller, whose Operator is by.
func (c Caller) decode(r *http.Request, order any, by *Operator) error {
	by.Who = c.Name
	if err := decode(r, order); err != nil {
		return err
	}
	if c.Proved && by.Who != c.Name {
		by.Who, by.SaidBy = c.Name, by.Who
	}
	return nil
}

// A pauseOrder is the body of a pause: how long, or until when.
type pauseOrder struct {
	Operator
	Duration string `json:"duration"`
	Until    string `json:"until"`
}

// end is when a pause ends that is ordered now.
func (o *pauseOrder) end(now time.Time) (time.Time, error) {
	switch {
	case (o.Duration == "") == (o.Until == ""):
		return time.Time{}, invalid("want either a duration or until")
	case o.Until != "":
		t, err := time.Parse(time.RFC3339, o.Until)
		if err != nil {
			return time.Time{}, invalid("until: got %q, want a time such as 2026-12-01T08:00:00Z", o.Until)
		}
		return t, nil
	}
	d, err := config.ParseDuration(o.Duration)
	if err != nil {
		return time.Time{}, invalid("duration: %w", err)
	}
	return now.Add(time.Duration(d)), nil
}

// wholeFleet is the scope of a brake that holds all services.
const wholeFleet = "fleet"

// A brakeOrder is the body of a release of the brake.
type brakeOrder struct {
	Operator
	Scope string `json:"scope"`
}

// decode reads the body of an order into o, which holds the defaults. No body is an order without details.
func decode(r *http.Request, o any) error {
	body, err := io.ReadAll(r.Body)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the order did not arrive in time")
	case err != nil:
		return fmt.Errorf("reading the order: %w", err)
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(o)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field == "" {
		err = fmt.Errorf("got a JSON %s", wrong.Value)
	} else if ok {
		err = fmt.Errorf("%q is a JSON %s, want a string", wrong.Field, wrong.Value)
	}
	if err == nil && d.InputOffset() < int64(len(bytes.TrimRight(body, " \t\r\n"))) {
		err = errors.New("there is something after it")
	}
	if err != nil {
		return invalid("want a JSON object: %w", err)
	}
	return nil
}
