package access

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// maxPasswords is how many right passwords are remembered, each by a hash. Checking one anew takes 50 ms and more.
const maxPasswords = 100

// Passwords are those of --web.config.file. The toolkit has checked the password of a request before it arrives here, but only
// if the file had passwords at that moment: it is read for every request. So that nobody gets a name for nothing while the file
// is being changed, the password is checked once more, by the file as it is now. Nil Passwords know nobody.
type Passwords struct {
	// Read returns the bcrypt hashes by name.
	Read func() (map[string]string, error)

	computing sync.Mutex // lets one hash be computed at a time

	mu    sync.Mutex // protects the following
	right map[[sha256.Size]byte]bool
}

// check returns the name of a request if its password is right. An error says why that is unknown.
func (p *Passwords) check(r *http.Request) (name string, ok bool, err error) {
	name, password, sent := r.BasicAuth()
	if p == nil || !sent || name == "" {
		return "", false, nil
	}
	hashes, err := p.Read()
	if err != nil {
		return "", false, err
	}
	hash, known := hashes[name]
	if !known {
		return "", false, nil
	}
	return name, p.matches(hash, password), nil
}

func (p *Passwords) matches(hash, password string) bool {
	key := pair(hash, password)
	if p.remembers(key) { // without waiting for those that are computed
		return true
	}
	p.computing.Lock()
	defer p.computing.Unlock()
	if p.remembers(key) { // somebody else has sent it meanwhile
		return true
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
		return false
	}
	p.remember(key)
	return true
}

func (p *Passwords) remembers(key [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.right[key]
}

func (p *Passwords) remember(key [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.right == nil || len(p.right) >= maxPasswords {
		p.right = map[[sha256.Size]byte]bool{}
	}
	p.right[key] = true
}

// pair hashes two texts so that no other two have the same hash.
func pair(a, b string) [sha256.Size]byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(len(a)))
	return sha256.Sum256(append(append(text, a...), b...))
}

// any reports whether there is any password.
func (p *Passwords) any() bool {
	if p == nil {
		return false
	}
	hashes, err := p.Read()
	return err == nil && len(hashes) > 0
}
