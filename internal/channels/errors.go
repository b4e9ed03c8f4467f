package channels

import (
	"errors"
	"fmt"
)

// ErrOff is returned where the configuration has no section about Alertmanager.
var ErrOff = errors.New("channels are off here: a section `alertmanager` in the configuration lets people make them")

// A MissingError says that there is no such channel. Meant is the name that was probably meant, or empty.
type MissingError struct{ Name, Meant string }

// Error implements error.
func (e *MissingError) Error() string {
	if e.Meant != "" {
		return fmt.Sprintf("there is no channel %q; did you mean %q?", e.Name, e.Meant)
	}
	return fmt.Sprintf("there is no channel %q", e.Name)
}
