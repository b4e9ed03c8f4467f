package pm2

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// socket returns the socket of the daemon of a home.
func socket(home string) string { return filepath.Join(home, "rpc.sock") }

func dial(ctx context.Context, home string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", socket(home))
}

// gone reports whether the daemon of a home does not answer.
func gone(ctx context.Context, home string) bool {
	conn, err := dial(ctx, home)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

// processes asks the daemon of a home for all that it runs. Without an answer nothing can be done.
func processes(ctx context.Context, home string) ([]process, error) {
	conn, err := dial(ctx, home)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err // the rest has the path once more
		}
		return nil, fmt.Errorf("%w: no PM2 daemon answers in the home %q: %w", restart.ErrRefused, home, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	all, err := list(conn)
	if err != nil {
		return nil, fmt.Errorf("%w: asking the PM2 daemon of %q for its processes: %w", restart.ErrRefused, home, cmp.Or(ctx.Err(), err))
	}
	return all, nil
}

// PM2's daemon speaks AMP (https://github.com/tj/node-amp): a byte with the version and the number of parts, then the
// parts, each after its length in 4 bytes. A call has two: "j:" with JSON, and "s:" with a number of the caller's choice.
const (
	ampVersion = 1
	ampParts   = 2
	callID     = "s:1"
	call       = `j:{"type":"call","method":"getMonitorData","args":[{}]}`
)

// maxAnswer is the longest part of an answer that is read, in bytes. A process takes some 20 KiB, with its environment.
const maxAnswer = 64 << 20

// errAnswer stands for any answer that is not understood. The answer itself is not quoted: it holds the environment of every app.
var errAnswer = errors.New("the answer is not a list of processes")

// list makes one call over a connection to the daemon.
func list(conn io.ReadWriter) ([]process, error) {
	if _, err := conn.Write(message(call, callID)); err != nil {
		return nil, err
	}
	var head [1]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	if head[0] != ampVersion<<4|ampParts {
		return nil, errAnswer
	}
	answer, err := part(conn)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutPrefix(string(answer), "j:")
	var reply struct {
		Args []json.RawMessage `json:"args"`
	}
	var all []process
	if !ok || json.Unmarshal([]byte(text), &reply) != nil || len(reply.Args) == 0 || json.Unmarshal(reply.Args[0], &all) != nil {
		return nil, errAnswer
	}
	return all, nil
}

func message(parts ...string) []byte {
	b := []byte{ampVersion<<4 | byte(len(parts))}
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // our own calls are short
		b = append(b, p...)
	}
	return b
}

func part(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxAnswer {
		return nil, errAnswer
	}
	// Not allocated at once: the length may be wrong.
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}
