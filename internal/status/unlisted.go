package status

import "crypto/sha256"

// MaxUnlisted bounds how many targets outside the inventory are known to be down.
const MaxUnlisted = 10_000

// A Key stands for a target outside the inventory: its hash, since a URL may be long and hold secrets.
type Key [sha256.Size]byte

// KeyOf is the same for every probe of a URL with one module and one Host header.
func KeyOf(module, hostname, url string) Key {
	return sha256.Sum256([]byte(module + "\x00" + hostname + "\x00" + url))
}

// unlisted are the targets outside the inventory that are down. Of the others nothing is known: anybody may name any.
type unlisted map[Key]bool

func (u unlisted) observe(p *Probe) Change {
	if !p.Conclusive() {
		return None
	}
	wasDown, isDown := u[p.Key], !p.Result.Success()
	switch {
	case !isDown:
		delete(u, p.Key)
	case !wasDown:
		u.makeRoom()
		u[p.Key] = true
	}
	return changeOf(wasDown, isDown)
}

// makeRoom forgets a target if there is no room for another. Any will do: it is found down once more.
func (u unlisted) makeRoom() {
	if len(u) < MaxUnlisted {
		return
	}
	for forgotten := range u {
		delete(u, forgotten)
		return
	}
}
