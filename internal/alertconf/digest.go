package alertconf

import (
	"crypto/md5" //nolint:gosec // Alertmanager's hash, and no secret depends on it
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Digest is how a configuration is known again. Empty: there is none.
func Digest(config []byte) string {
	if config == nil {
		return ""
	}
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:])
}

// LoadedHash is the metric alertmanager_config_hash of an Alertmanager that has loaded a configuration: the first 48 bits of its
// MD5, the lowest byte first (config/coordinator.go of Alertmanager).
func LoadedHash(config []byte) float64 {
	sum := md5.Sum(config) //nolint:gosec // see above
	var b [8]byte
	copy(b[:], sum[:6])
	return float64(binary.LittleEndian.Uint64(b[:]))
}
