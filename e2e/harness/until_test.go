package harness

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The longer a look takes, the fewer there are, but what lasts for a moment is seen in any case.
func TestLooksRest(t *testing.T) {
	for _, tt := range []struct {
		takes       time.Duration
		least, most int // looks within 10 s
	}{
		{0, 490, 501},
		{50 * time.Millisecond, 38, 41},
		{2 * time.Second, 5, 5},
	} {
		t.Run(tt.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				err := Throughout(t.Context(), 10*time.Second, func(context.Context) error {
					looks++
					time.Sleep(tt.takes)
					return nil
				})
				if err != nil || looks < tt.least || looks > tt.most {
					t.Errorf("%d looks, %v, want %d to %d", looks, err, tt.least, tt.most)
				}
			})
		})
	}
}

// No address is given out twice, although nobody listens there yet.
func TestFreeAddress(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		address, err := FreeAddress(t.Context())
		if err != nil || seen[address] {
			t.Fatalf("got %q, %v, want one that was not given out", address, err)
		}
		seen[address] = true
	}
}
