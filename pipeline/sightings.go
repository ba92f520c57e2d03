package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// sighting is another process as this one last saw it.
type sighting struct {
	instance
	version int64     // of its record
	seen    time.Time // when the record was last seen to change, by this process's clock
	first   bool      // it was not seen to change yet
}

func sightingOf(rec Record) (*sighting, error) {
	s := &sighting{version: rec.Version, seen: time.Now(), first: true}
	return s, json.Unmarshal(rec.Data, &s.instance)
}

// lives tells whether a process counts as there, for pages and shares.
func (s *sighting) lives(silence time.Duration) bool {
	return time.Since(s.seen) < silence && !(s.first && time.Since(s.SeenAt) > longGone)
}

func (s *sighting) view(id string) InstanceView {
	v := s.instance.view(id)
	switch {
	case !s.lives(shownGone):
		v.State = InstanceGone
		for i := range v.Steps {
			v.Steps[i].Running = 0
		}
	case !s.first:
		v.SeenAt = s.seen.UTC().Round(0)
	}
	return v
}

// see reads the others' signs of life. Time in which this process could not
// look counts as nobody's silence.
func (f *fleet) see(ctx context.Context) error {
	records, err := listByID(ctx, f.e.backend.Records, kindInstance)
	if err != nil {
		return err
	}
	f.mu.Lock()
	before := f.census()
	blind := max(0, time.Since(f.looked)-2*beatEach)
	f.looked = time.Now()
	for id, s := range f.others {
		s.seen = s.seen.Add(blind)
		if _, there := records[id]; !there {
			delete(f.others, id)
		}
	}
	for id, rec := range records {
		if err := f.sight(id, rec); err != nil {
			f.e.log.WarnContext(ctx, "reading an instance", "instance", id, "error", err)
		}
	}
	changed := !slices.Equal(before, f.census())
	f.mu.Unlock()
	if changed {
		f.e.Events.Touch(TopicOverview, TopicSteps)
	}
	return f.bury(ctx)
}

// bury deletes the records of those that have been gone for long. The leader
// does it for all.
func (f *fleet) bury(ctx context.Context) error {
	if !f.leads() {
		return nil
	}
	f.mu.RLock()
	var dead []Record
	for id, s := range f.others {
		if time.Since(s.seen) >= showInstance {
			dead = append(dead, Record{Kind: kindInstance, ID: id, Version: s.version})
		}
	}
	f.mu.RUnlock()
	var all error
	for _, rec := range dead {
		if err := f.e.backend.Records.Put(ctx, nil, rec); err != nil && !errors.Is(err, ErrVersion) {
			all = errors.Join(all, fmt.Errorf("deleting instance %s: %w", rec.ID, err))
		}
	}
	return all
}

// sight notes one record of another process. The caller holds the lock.
func (f *fleet) sight(id string, rec Record) error {
	was := f.others[id]
	if id == f.id || was != nil && was.version == rec.Version {
		return nil
	}
	s, err := sightingOf(rec)
	if err != nil {
		return err
	}
	s.first = was == nil
	f.others[id] = s
	delete(f.unseen, id)
	return nil
}

// census is who is there and how, for comparing.
func (f *fleet) census() []string {
	var list []string
	for id, s := range f.others {
		list = append(list, id+string(s.view(id).State))
	}
	slices.Sort(list)
	return list
}

// gone tells whether a process that holds something is no longer there. One
// that was never seen is looked up.
func (f *fleet) gone(ctx context.Context, id string) (bool, error) {
	f.mu.RLock()
	s, present := f.others[id], f.there(id)
	f.mu.RUnlock()
	if present || s != nil || !f.shared {
		return !present, nil
	}
	rec, err := f.e.backend.Records.Get(ctx, kindInstance, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		return false, f.sight(id, rec)
	}
	if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if f.unseen[id].IsZero() {
		f.unseen[id] = time.Now()
	}
	return time.Since(f.unseen[id]) >= goneSure, nil
}

// present is gone without a look at the store: whether the process was there
// when the others were last read.
func (f *fleet) present(id string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.there(id)
}

func (f *fleet) there(id string) bool {
	s := f.others[id]
	return id == f.id || s != nil && time.Since(s.seen) < goneAfter
}
