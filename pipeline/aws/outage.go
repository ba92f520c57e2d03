package aws

import (
	"log/slog"
	"sync"
	"time"
)

// outage keeps a service that is away from filling the log: the same sentence is
// written once in a while.
type outage struct {
	mu   sync.Mutex
	said map[string]time.Time
}

const outageEvery = 10 * time.Second

func (o *outage) note(log *slog.Logger, err error) {
	text := err.Error()
	o.mu.Lock()
	if o.said == nil || len(o.said) > 100 {
		o.said = map[string]time.Time{}
	}
	again := time.Since(o.said[text]) >= outageEvery
	if again {
		o.said[text] = time.Now()
	}
	o.mu.Unlock()
	if again {
		log.Warn("AWS", "error", err)
	}
}
