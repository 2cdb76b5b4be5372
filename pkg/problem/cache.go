package problem

import (
	"log/slog"
	"sync"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
)

// A Cache opens problems, and keeps the data that were used last.
type Cache struct {
	Env datasets.Env
	Log *slog.Logger // is told what there is to say of data and methods, once; nil: nobody

	mu   sync.Mutex
	key  string
	data *loaded
	told map[string]bool // notes that were logged
}

// Open returns the problem of a config, with the data in the cache if they
// fit.
func (k *Cache) Open(c *config.Config) (*Problem, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := c.DataKey(); k.data == nil || key != k.key {
		k.data = nil // makes room
		d, err := openData(c, k.Env)
		if err != nil {
			return nil, err
		}
		k.key, k.data = key, d
		if k.Log != nil {
			k.tell(d.Warnings, k.Log.Warn)
			k.tell(d.Notes, k.Log.Info)
		}
	}
	p, err := k.data.problem(c)
	if err == nil && k.Log != nil {
		k.tell(p.Doubts, k.Log.Warn)
	}
	return p, err
}

// tell logs each message once.
func (k *Cache) tell(messages []string, log func(string, ...any)) {
	for _, m := range messages {
		if !k.told[m] {
			log(m)
		}
		if k.told == nil {
			k.told = map[string]bool{}
		}
		k.told[m] = true
	}
}
