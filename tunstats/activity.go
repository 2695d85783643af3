package tunstats

// notifyActivity is like [Meter.NotifyActivity].
func (c *counter) notifyActivity(wake func()) {
	c.lockAll()
	empty := c.emptyLocked()
	c.wake = wake
	c.armed.Store(wake != nil && empty)
	c.unlockAll()
	if wake != nil && !empty {
		wake()
	}
}

// emptyLocked reports whether nothing was counted since the last extraction. The caller has locked
// all shards.
func (c *counter) emptyLocked() bool {
	empty := c.registry.size() == 0
	c.each(func(_ direction, sh *shard) { empty = empty && sh.zero.packets == 0 })
	return empty
}

// notify calls wake if nothing was counted before the last packet. It is called with every packet
// that has no entry: while nothing is counted, no packet has one. The caller has locked sh, which
// notify unlocks while wake runs.
func (c *counter) notify(sh *shard) {
	if !c.armed.Load() || !c.armed.CompareAndSwap(true, false) {
		return
	}
	wake := c.wake
	sh.mu.Unlock()
	wake()
	sh.mu.Lock()
}
