package config

import (
	"strconv"
	"strings"
)

// AcceptsEncoding reports whether an Accept-Encoding header allows a content coding (RFC 9110 section 12.5.3): by its own
// weight, else by that of "*", else only "identity" is allowed.
func AcceptsEncoding(header, coding string) bool {
	listed := map[string]float64{}
	for element := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(element, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "x-gzip" { // section 8.4.1.3
			name = "gzip"
		}
		listed[name] = weight(params)
	}
	if w, ok := listed[coding]; ok {
		return w > 0
	}
	if w, ok := listed["*"]; ok {
		return w > 0
	}
	return coding == "identity"
}

// weight reads the parameter of an element, such as "q=0.5". Without one it is 1, and what is not a weight counts as 0.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	w, err := strconv.ParseFloat(value, 64)
	if !ok || err != nil || w > 1 {
		return 0
	}
	return w
}
