package access

import (
	"sync"
	"time"
)

const (
	cacheFor  = 900 * time.Millisecond // how long somebody who was shut out elsewhere still gets in here
	cacheMost = 10_000
)

// sighting is what was found about a token; an empty one stands for nobody.
type sighting struct {
	session  *storedSession
	identity Identity
	until    time.Time // of the cache
}

// cache keeps sightings for a moment.
type cache struct {
	mu    sync.Mutex
	seen  map[string]sighting
	turns int // how often it was cleared
}

func newCache() *cache { return &cache{seen: map[string]sighting{}} }

func (c *cache) get(id string) (sighting, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.seen[id]
	return known, ok && time.Now().Before(known.until)
}

func (c *cache) turn() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turns
}

// put keeps what was read, unless something changed while it was.
func (c *cache) put(id string, found sighting, turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if turn != c.turns {
		return
	}
	if len(c.seen) >= cacheMost {
		clear(c.seen) // guessed tokens must not fill the memory
	}
	found.until = time.Now().Add(cacheFor)
	c.seen[id] = found
}

func (c *cache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, id)
	c.turns++
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.seen)
	c.turns++
}
