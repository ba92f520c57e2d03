package access

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"redrive/pipeline"
)

// How long things hold if nothing else is configured.
const (
	DefaultIdle     = 30 * time.Minute
	DefaultAbsolute = 12 * time.Hour
	FreshFor        = 5 * time.Minute // after the password was given
)

// ErrUnknown is the answer to a token that stands for nobody (any more).
var ErrUnknown = errors.New("nobody is known by this token")

// Journal is where it is noted what was refused.
type Journal interface {
	Append(ctx context.Context, entries ...pipeline.Entry) error
}

// Config is what a Service works on.
type Config struct {
	Records  pipeline.RecordStore
	Audit    Journal
	Idle     time.Duration // a session that is not used for so long is over; 0: DefaultIdle
	Absolute time.Duration // a session ends after so long; 0: DefaultAbsolute
	Provider bool          // an identity provider says who is admin
	External bool          // it alone lets people in: nobody has a password here
	Logger   *slog.Logger
}

// Service knows who may do what.
type Service struct {
	records     pipeline.RecordStore
	audit       Journal
	log         *slog.Logger
	idle        time.Duration
	absolute    time.Duration
	fresh       time.Duration
	provider    bool
	noPasswords bool
	passwords   *passwords
	throttle    *throttle
	cache       *cache
}

// New returns the service over a store.
func New(c Config) (*Service, error) {
	p, err := newPasswords(passwordCost)
	if err != nil {
		return nil, err
	}
	return &Service{records: c.Records, audit: c.Audit, log: cmp.Or(c.Logger, slog.New(slog.DiscardHandler)),
		idle: cmp.Or(c.Idle, DefaultIdle), absolute: cmp.Or(c.Absolute, DefaultAbsolute), fresh: FreshFor, provider: c.Provider, noPasswords: c.External,
		passwords: p, throttle: newThrottle(), cache: newCache()}, nil
}

// changed makes this process look again at who is who.
func (s *Service) changed() { s.cache.clear() }

// seen answers what was read less than a moment ago, so that a page and all it
// loads, and a stream that asks every second, cost one reading.
func (s *Service) seen(ctx context.Context, id string, read func(context.Context, string) (sighting, error)) (sighting, error) {
	if known, ok := s.cache.get(id); ok {
		return known, nil
	}
	turn := s.cache.turn()
	found, err := read(ctx, id)
	if err != nil {
		return sighting{}, err
	}
	s.cache.put(id, found, turn)
	return found, nil
}

// Denied notes in the audit that somebody tried what their role does not allow.
func (s *Service) Denied(ctx context.Context, object string, why error) {
	_ = s.failed(ctx, pipeline.NewEntry(ctx, "access.deny", object, "", nil), why)
}
