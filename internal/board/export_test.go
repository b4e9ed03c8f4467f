package board

// CountLooks counts how often b looks whether a target is down.
func (b *Board) CountLooks(n *int) {
	down := b.down
	b.down = func(name string) bool { *n++; return down(name) }
}
