package pipeline

import (
	"context"
	"errors"
	"time"
)

// claim stores a sweep that begins, with its slot and the one lease all sweeps
// have. If another process sweeps, that sweep is answered instead.
func (s *Sweeps) claim(ctx context.Context, sweep *Sweep, entry *Entry, slot []Record) (*lease, Sweep, error) {
	for {
		first := slot
		if s.e.fleet.shared {
			l, other, err := s.vacancy(ctx)
			if err != nil || other.ID != "" {
				return nil, other, err
			}
			l.Holder, l.For = s.e.fleet.id, sweep.ID
			first = append(slot[:len(slot):len(slot)], l.record())
		}
		err := s.save(ctx, sweep, entry, first, nil)
		if err == nil {
			return s.e.fleet.hold(s.life, leaseSweep), Sweep{}, nil
		}
		if lost, gone := s.lostRace(ctx, err, slot); lost || gone != nil {
			return nil, Sweep{}, errors.Join(gone, err)
		}
	}
}

// vacancy answers the sweeps' lease to be taken, or the sweep that runs under
// it. One that is just being stored, or just over, is waited for.
func (s *Sweeps) vacancy(ctx context.Context) (leaseRecord, Sweep, error) {
	for ctx.Err() == nil {
		if !s.e.fleet.proven() {
			return leaseRecord{}, Sweep{}, &Error{Code: CodeUnavailable, Text: "this process cannot show the others that it lives"}
		}
		l, err := s.e.fleet.readLease(ctx, leaseSweep)
		if err != nil {
			return l, Sweep{}, err
		}
		free, err := s.e.fleet.free(ctx, l)
		if err == nil && free {
			err = s.fail(ctx, l.For)
		}
		if err != nil || free {
			return l, Sweep{}, err
		}
		other, err := s.Get(ctx, l.For)
		if err == nil && other.State == SweepRunning {
			return l, other, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return l, Sweep{}, err
		}
		sleep(ctx, sweepRace)
	}
	return leaseRecord{}, Sweep{}, ctx.Err()
}

// lostRace tells whether a failed start is final: it was no race, or its slot
// is another's. A race for the lease alone is run again.
func (s *Sweeps) lostRace(ctx context.Context, err error, slot []Record) (bool, error) {
	if !errors.Is(err, ErrVersion) || !s.e.fleet.shared {
		return true, nil
	}
	for _, rec := range slot {
		_, err := s.e.backend.Records.Get(ctx, rec.Kind, rec.ID)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// freed is the sweeps' lease given free, to be written with a sweep's last state.
func (s *Sweeps) freed(ctx context.Context) ([]Record, error) {
	if !s.e.fleet.shared {
		return nil, nil
	}
	l, err := s.e.fleet.readLease(ctx, leaseSweep)
	if err != nil || l.Holder != s.e.fleet.id {
		return nil, err
	}
	l.Holder, l.For = "", ""
	return []Record{l.record()}, nil
}

// abandonAll marks sweeps that a crash cut off; the next one does their work.
func (s *Sweeps) abandonAll(ctx context.Context) error {
	page, err := s.List(ctx, "", 20)
	if err != nil {
		return err
	}
	s.mu.Lock()
	alive := ""
	if s.running != nil {
		alive = s.running.ID
	}
	s.mu.Unlock()
	if s.e.fleet.shared && alive == "" {
		l, err := s.e.fleet.readLease(ctx, leaseSweep)
		if err != nil {
			return err
		}
		alive = l.For // abandonGone judges that one
	}
	for _, sweep := range page.Items {
		if sweep.State == SweepRunning && sweep.ID != alive {
			err = errors.Join(err, s.fail(ctx, sweep.ID))
		}
	}
	return err
}

// abandonGone marks the sweep whose process is gone, and gives its lease free.
func (s *Sweeps) abandonGone(ctx context.Context) error {
	l := s.e.fleet.lease(leaseSweep)
	if l.For == "" || l.Holder != s.e.fleet.id && s.e.fleet.present(l.Holder) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	held, err := s.e.fleet.take(ctx, leaseSweep)
	if err != nil || held == nil {
		return err
	}
	defer s.e.fleet.release(ctx, held)
	if l, err = s.e.fleet.readLease(ctx, leaseSweep); err != nil {
		return err
	}
	return s.fail(ctx, l.For)
}

// fail marks a sweep whose process is gone, unless it ended after all.
func (s *Sweeps) fail(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	sweep, err := s.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || sweep.State != SweepRunning {
		return err
	}
	sweep.State, sweep.FinishedAt, sweep.Error = SweepFailed, time.Now().UTC(), "its process ended before it did"
	if err := s.save(ctx, &sweep, nil, nil, nil); err != nil && !errors.Is(err, ErrVersion) {
		return err
	}
	s.e.Events.Touch(TopicSweeps)
	return nil
}
