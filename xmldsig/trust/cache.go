package trust

import "sync"

// generation is how many entries a cache keeps in each of its two generations.
const generation = 4096

// cache is a map of bounded size in two generations: what is in use stays, and a
// flood of new keys costs bounded memory. The zero cache is ready to use.
type cache[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.young[key]
	if !ok {
		if v, ok = c.old[key]; ok {
			c.putLocked(key, v)
		}
	}
	return v, ok
}

func (c *cache[K, V]) put(key K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(key, v)
}

func (c *cache[K, V]) putLocked(key K, v V) {
	if c.young == nil || len(c.young) >= generation {
		c.old, c.young = c.young, make(map[K]V)
	}
	c.young[key] = v
}
