package supervisord

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// A client speaks XML-RPC (http://xmlrpc.com/spec.md) with one supervisord.
type client struct {
	url       string
	transport http.RoundTripper
}

func newClient(cfg Config) (*client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("the URL of supervisord is not valid") // it may hold a password
	}
	var options []commonconfig.HTTPClientOption
	if u.Scheme == "unix" {
		options = append(options, once.Socket(u.Path))
		u = &url.URL{Scheme: "http", Host: "supervisord"}
	}
	transport, err := once.RoundTripper(commonconfig.HTTPClientConfig{BasicAuth: cfg.BasicAuth}, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the HTTP client: %w", err)
	}
	return &client{u.JoinPath("RPC2").String(), transport}, nil
}

// A fault is supervisord's own answer that it did not do something.
type fault struct {
	code int64
	text string
}

// Error implements error.
func (f *fault) Error() string { return fmt.Sprintf("fault %d, %s", f.code, f.text) }

// The faults that make a difference here.
const (
	faultUnknownMethod  = 1
	faultShutdown       = 6
	faultBadName        = 10
	faultAlreadyStarted = 60
	faultNotRunning     = 70
)

// isFault reports whether err is one of these faults.
func isFault(err error, codes ...int64) bool {
	f, ok := errors.AsType[*fault](err)
	return ok && slices.Contains(codes, f.code)
}

// maxAnswer is how much of an answer is read, in bytes. The configuration of a process takes some 3 KiB.
const maxAnswer = 16 << 20

// call calls a method. An error is a *fault, or wraps restart.ErrRefused if supervisord cannot have got the call. After any
// other error it is not known whether the method was called.
func (c *client) call(ctx context.Context, method string, args ...any) (value, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(request(method, args)))
	if err != nil {
		return value{}, err
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, sent, err := once.Do(c.transport, req)
	switch {
	case err != nil && !sent:
		return value{}, fmt.Errorf("calling %s: %w: %w", method, restart.ErrRefused, err)
	case err != nil:
		return value{}, fmt.Errorf("calling %s: %w", method, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("calling %s: status %d, want 200", method, resp.StatusCode)
		if resp.StatusCode == http.StatusUnauthorized {
			err = fmt.Errorf("%w: %w", restart.ErrRefused, err)
		}
		return value{}, err
	}
	v, err := answer(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return value{}, fmt.Errorf("calling %s: %w", method, err)
	}
	return v, nil
}

// request returns a call with arguments that are texts and booleans.
func request(method string, args []any) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<methodCall><methodName>" + method + "</methodName><params>")
	for _, arg := range args {
		switch v := arg.(type) {
		case bool:
			n := "0"
			if v {
				n = "1"
			}
			b.WriteString("<param><value><boolean>" + n + "</boolean></value></param>")
		default:
			b.WriteString("<param><value><string>")
			_ = xml.EscapeText(&b, []byte(fmt.Sprint(v))) // a buffer takes everything
			b.WriteString("</string></value></param>")
		}
	}
	b.WriteString("</params></methodCall>")
	return b.Bytes()
}

// A value is one of the types that supervisord sends.
type value struct {
	Int     *int64  `xml:"int"`
	Boolean string  `xml:"boolean"`
	String  string  `xml:"string"`
	Array   []value `xml:"array>data>value"`
	Struct  []struct {
		Name  string `xml:"name"`
		Value value  `xml:"value"`
	} `xml:"struct>member"`
}

// member returns a member of a struct, or the zero value if there is none.
func (v *value) member(name string) *value {
	for i := range v.Struct {
		if v.Struct[i].Name == name {
			return &v.Struct[i].Value
		}
	}
	return &value{}
}

func (v *value) integer() int64 {
	if v.Int == nil {
		return 0
	}
	return *v.Int
}

// errAnswer stands for any answer that is not understood. The answer is not quoted: it may hold anything.
var errAnswer = errors.New("the answer is not XML-RPC")

// answer reads the answer to a call.
func answer(r io.Reader) (value, error) {
	var response struct {
		XMLName xml.Name `xml:"methodResponse"`
		Fault   *value   `xml:"fault>value"`
		Params  []value  `xml:"params>param>value"`
	}
	switch err := xml.NewDecoder(r).Decode(&response); {
	case err != nil && isNet(err):
		return value{}, err
	case err != nil:
		return value{}, errAnswer
	case response.Fault != nil:
		return value{}, &fault{response.Fault.member("faultCode").integer(), strings.ToValidUTF8(response.Fault.member("faultString").String, "")}
	case len(response.Params) != 1:
		return value{}, errAnswer
	}
	return response.Params[0], nil
}

// isNet reports whether err is about the connection or its time, and not about the text.
func isNet(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)
}
