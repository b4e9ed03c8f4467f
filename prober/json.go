package prober

import (
	"encoding/json"
	"errors"
	"fmt"
)

// jsonPlace says where a text stops being JSON, or is empty if that is not known. The error itself cannot be shown,
// since it quotes the text.
func jsonPlace(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(" from byte %d on", syntax.Offset)
	}
	return ""
}
