//go:build nosystemd

package systemd

import "context"

// connect is nil: the build does not include D-Bus.
var connect func(ctx context.Context, bus string) (manager, error)
