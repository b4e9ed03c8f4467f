//go:build nosystemd

package systemd

import "context"

// connect is not there: the build has no D-Bus.
var connect func(ctx context.Context, bus string) (manager, error)
