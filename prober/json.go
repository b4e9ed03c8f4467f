package prober

import (
	"encoding/json"
	"errors"
	"fmt"
)

// jsonPlace says where a text stops being JSON. It is empty where that is not known. The error itself quotes the text.
func jsonPlace(err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(" from byte %d on", syntax.Offset)
	}
	return ""
}
