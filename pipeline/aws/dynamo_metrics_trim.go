package aws

import (
	"context"
	"time"
)

// trimmed is before when points count as deleted.
type trimmed struct {
	fine, coarse time.Time
	read         time.Time // when it was read or written
}

const (
	trimmedPK  = "T"
	trimmedSK  = "trimmed"
	attrFine   = "fine"
	attrCoarse = "coarse"
	trimmedFor = time.Minute // what another process trimmed is seen by then
)

// Trim notes up to when points are deleted, for all processes in one item, and
// hides them. DynamoDB deletes the items by their age and for nothing, some time
// after the engine stops to want them.
func (m *metrics) Trim(ctx context.Context, fine, coarse time.Time) error {
	stored, err := m.storeTrimmed(ctx, trimmed{fine: later(fine, coarse), coarse: coarse})
	if err != nil {
		return err
	}
	m.hide(stored)
	return nil
}

// storeTrimmed moves the borders forward, never back, and answers where they
// are.
func (m *metrics) storeTrimmed(ctx context.Context, t trimmed) (trimmed, error) {
	for {
		_, err := m.t.update(ctx, trimmedPK, trimmedSK, "SET "+attrFine+" = :fine, "+attrCoarse+" = :coarse", condition{
			expr:   "attribute_not_exists(" + attrPK + ") OR (" + attrFine + " <= :fine AND " + attrCoarse + " <= :coarse)",
			values: item{":fine": at(t.fine), ":coarse": at(t.coarse)}})
		if !refused(err) {
			return t, err
		}
		now, err := m.readTrimmed(ctx)
		if err != nil {
			return t, err
		}
		t.fine, t.coarse = later(t.fine, now.fine), later(t.coarse, now.coarse)
		if t.fine.Equal(now.fine) && t.coarse.Equal(now.coarse) {
			return t, nil
		}
	}
}

func (m *metrics) readTrimmed(ctx context.Context) (trimmed, error) {
	it, err := m.t.get(ctx, trimmedPK, trimmedSK, true)
	return trimmed{fine: it.time(attrFine), coarse: it.time(attrCoarse)}, err
}

// trimmedBefore answers before when a grain's points are deleted.
func (m *metrics) trimmedBefore(ctx context.Context, g *grain) (time.Time, error) {
	m.mu.Lock()
	t := m.trimmed
	m.mu.Unlock()
	if time.Since(t.read) >= trimmedFor {
		stored, err := m.readTrimmed(ctx)
		if err != nil {
			return time.Time{}, err
		}
		t = m.hide(stored)
	}
	if g == m.fine {
		return t.fine, nil
	}
	return t.coarse, nil
}

// hide takes borders over and forgets what lies before them.
func (m *metrics) hide(stored trimmed) trimmed {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trimmed = trimmed{later(m.trimmed.fine, stored.fine), later(m.trimmed.coarse, stored.coarse), time.Now()}
	for _, g := range m.grains() {
		before := m.trimmed.fine.Unix()
		if g == m.coarse {
			before = m.trimmed.coarse.Unix()
		}
		for at := range g.own {
			if at < before {
				delete(g.own, at)
			}
		}
		for key := range m.parts {
			if key.grain == g.name && key.end(g) <= before {
				delete(m.parts, key)
			}
		}
	}
	return m.trimmed
}
