package managed

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A mistake of ours in one edit ends that request. It keeps no other waiting, and tells nobody that he has changed something.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, "")
		before := &request{judge: func(w *work) error {
			_, err := w.put(Edit{By: anybody("a")}, "a", definition{text: []byte("{}")}, nil)
			return err
		}, done: make(chan struct{})}
		w.queue.add(before)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was kept from whoever began it")
				}
			}()
			_, _ = w.submit(t.Context(), func(*work) error { panic("a mistake") })
		}()
		<-before.done
		if _, ok := w.Target("a"); ok || before.err == nil {
			t.Errorf("the edit before it: error %v, there is a target: %t, want an error and none", before.err, ok)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.Put(ctx, w.by(Condition{}), "shop", []byte(shop)); err != nil {
			t.Errorf("the next edit: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
