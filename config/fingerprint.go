package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
)

// Fingerprint identifies the back-end and all of its settings, including the secrets, without giving them away: two
// back-ends are the same if and only if their fingerprints are. The contents of files that it names are not part of it.
func (b Backends) Fingerprint() (string, error) {
	text, err := marshal(b) // masks values that have the type of a secret
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = h.Write(text) // never an error
	rewrite(reflect.ValueOf(b), place{}, func(p place, s string) string {
		fmt.Fprintf(h, "\x00%s %q %q", p.pattern, p.name, s)
		return s
	})
	return hex.EncodeToString(h.Sum(nil)), nil
}
