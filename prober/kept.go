package prober

import (
	"errors"
	"io"
)

// The steps in bytes in which a keptText grows. It doubles up to largeText, and then takes all that it may have, up to
// maxKept.
const (
	smallText = 512
	largeText = 1 << 20
)

// A keptText is text of a target that has to be seen as a whole.
type keptText struct {
	data []byte
	most int64        // how many bytes it may have
	hold func() error // called before it has more than freeKept bytes
}

// ReadFrom implements io.ReaderFrom.
func (k *keptText) ReadFrom(r io.Reader) (n int64, err error) {
	for {
		if len(k.data) == cap(k.data) {
			if err := k.grow(); err != nil {
				return n, err
			}
		}
		read, err := r.Read(k.data[len(k.data):cap(k.data)])
		k.data, n = k.data[:len(k.data)+read], n+int64(read)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

func (k *keptText) grow() error {
	size := max(smallText, 2*int64(cap(k.data)))
	if size > freeKept && cap(k.data) <= freeKept {
		if err := k.hold(); err != nil {
			return err
		}
	}
	if size > largeText {
		// A module may allow more than there is memory. What exceeds maxKept is taken as it comes.
		size = max(min(k.most, max(size, maxKept)), int64(cap(k.data))+smallText)
	}
	grown := make([]byte, len(k.data), size)
	copy(grown, k.data)
	k.data = grown
	return nil
}
