package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	kindSweep         = "sweep"
	kindSweepSlot     = "sweep-slot"
	kindSweepSettings = "sweep-settings"
	sweepSettingsID   = "sweep"
	sweepPage         = 200
	sweepRowsMost     = 1000
	sweepLook         = time.Second // how exactly a schedule is kept
	stuckAfterLeast   = time.Second
	sweepRace         = 100 * time.Millisecond
)

// Sweeps finds rows that are neither finished nor queued nor retrying, and puts
// them back into their queues.
type Sweeps struct {
	e          *Engine
	configured SweepSettings

	mu       sync.Mutex
	running  *Sweep
	settings storedSweepSettings
	next     func(time.Time) time.Time
	runs     sync.WaitGroup
	life     context.Context // of Run
	over     bool            // Run waits for what has begun; nothing begins any more
}

type storedSweepSettings struct {
	SweepSettings
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
	version int64
}

func newSweeps(e *Engine) (*Sweeps, error) {
	s := &Sweeps{e: e, configured: e.cfg.Sweep}
	next, err := s.parse(e.cfg.Sweep.Cron)
	if err != nil {
		return nil, err
	}
	s.settings = storedSweepSettings{SweepSettings: e.cfg.Sweep}
	s.next = next
	return s, nil
}

func (s *Sweeps) parse(cron string) (func(time.Time) time.Time, error) {
	if s.e.cfg.Cron == nil {
		return func(time.Time) time.Time { return time.Time{} }, nil
	}
	next, err := s.e.cfg.Cron(cron)
	if err != nil {
		return nil, invalid("cron", err.Error())
	}
	if next(time.Now().UTC()).IsZero() {
		return nil, invalid("cron", fmt.Sprintf("%q never comes true", cron))
	}
	return next, nil
}

// refresh reads the settings an operator, here or elsewhere, may have changed.
// The caller holds the lock.
func (s *Sweeps) refresh(ctx context.Context) error {
	rec, err := s.e.backend.Records.Get(ctx, kindSweepSettings, sweepSettingsID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the sweep's schedule: %w", err)
	}
	if rec.Version == s.settings.version {
		return nil
	}
	var stored storedSweepSettings
	if err := json.Unmarshal(rec.Data, &stored); err != nil {
		return fmt.Errorf("reading the sweep's schedule: %w", err)
	}
	next, err := s.parse(stored.Cron)
	if err != nil {
		return err
	}
	stored.version = rec.Version
	s.settings, s.next = stored, next
	s.e.Events.Touch(TopicSweeps, TopicAudit)
	return nil
}

// run keeps the schedule. Each slot is claimed in the store first, so that one
// of all processes runs it, once.
func (s *Sweeps) run(ctx context.Context) error {
	s.mu.Lock()
	s.life = ctx
	s.mu.Unlock()
	last, closed := time.Now().UTC(), false
	err := every(ctx, sweepLook, func(ctx context.Context) {
		var err error
		if !closed {
			err = s.abandonAll(ctx)
			closed = err == nil
		}
		err = errors.Join(err, s.abandonGone(ctx))
		now := time.Now().UTC()
		slotErr := s.look(ctx, last, now)
		if slotErr == nil {
			last = now // else the slot is looked at again: a store that is down delays a sweep, it does not lose it
		}
		if err = errors.Join(err, slotErr); err != nil && ctx.Err() == nil {
			s.e.log.WarnContext(ctx, "sweeping on schedule", "error", err)
		}
	})
	s.mu.Lock() // a Start that saw the engine alive has begun by now
	s.over = true
	s.mu.Unlock()
	s.runs.Wait()
	return err
}

// look runs the slot that came due since last, if one did.
func (s *Sweeps) look(ctx context.Context, last, now time.Time) error {
	s.mu.Lock()
	err := s.refresh(ctx)
	due, enabled := s.next(last), s.settings.Enabled
	s.mu.Unlock()
	if err != nil || !enabled || due.IsZero() || due.After(now) || !s.e.worksSteps() {
		return err
	}
	return s.slot(ctx, due)
}

func (s *Sweeps) slot(ctx context.Context, due time.Time) error {
	claim := Record{Kind: kindSweepSlot, ID: due.Format(time.RFC3339), Data: []byte(`{}`), ExpiresAt: due.Add(48 * time.Hour)}
	_, err := s.start(ctx, false, "", claim)
	if errors.Is(err, ErrVersion) {
		return nil
	}
	return err
}

// Start begins a sweep and answers at once; one that runs already is answered
// instead. A dry run finds and changes nothing.
func (s *Sweeps) Start(ctx context.Context, dryRun bool, pipeline string) (Sweep, error) {
	return s.start(ctx, dryRun, pipeline)
}

// start writes the claim of its slot, if it has one, with the sweep: nobody
// else can have it, and it is not claimed for nothing.
func (s *Sweeps) start(ctx context.Context, dryRun bool, pipeline string, claim ...Record) (begun Sweep, err error) {
	entry := NewEntry(ctx, "sweep.run", "sweeps", "", map[string]any{"dry_run": dryRun, "pipeline": pipeline})
	defer s.e.Audit.failed(ctx, entry, &err)
	if pipeline != "" && s.e.pipeline(pipeline) == nil {
		return Sweep{}, notFound("there is no pipeline named " + pipeline)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return *s.running, nil
	}
	if s.over || s.life == nil || s.life.Err() != nil {
		return Sweep{}, &Error{Code: CodeUnavailable, Text: "the engine is not running"}
	}
	sweep := &Sweep{ID: NewID(), State: SweepRunning, DryRun: dryRun, Pipeline: pipeline, StartedAt: time.Now().UTC(),
		By: ActorFrom(ctx).Name, Rows: []Stuck{}}
	entry.Object = "sweeps/" + sweep.ID
	held, other, err := s.claim(ctx, sweep, entry, claim)
	if err != nil || held == nil {
		return other, err
	}
	s.running = sweep
	started, after := *sweep, s.settings.StuckAfter
	work := *sweep
	s.runs.Go(func() { s.work(held, &work, after) })
	s.e.Events.Touch(TopicSweeps, TopicAudit)
	return started, nil
}

// save stores a sweep. What makes way for it comes before it, what it makes way
// for after: a store without transactions may be cut off in between.
func (s *Sweeps) save(ctx context.Context, sweep *Sweep, entry *Entry, before, after []Record) error {
	data, err := json.Marshal(sweep)
	if err != nil {
		return err
	}
	rec := Record{Kind: kindSweep, ID: sweep.ID, Version: sweep.version, Data: data, ExpiresAt: sweep.StartedAt.Add(keepHistory)}
	if err := s.e.backend.Records.Put(ctx, entry, slices.Concat(before, []Record{rec}, after)...); err != nil {
		return fmt.Errorf("storing sweep %s: %w", sweep.ID, err)
	}
	sweep.version++
	return nil
}

// Get returns a sweep, or ErrNotFound.
func (s *Sweeps) Get(ctx context.Context, id string) (Sweep, error) {
	rec, err := s.e.backend.Records.Get(ctx, kindSweep, id)
	if errors.Is(err, ErrNotFound) {
		return Sweep{}, notFound("there is no sweep " + id)
	}
	if err != nil {
		return Sweep{}, err
	}
	return sweepOf(rec)
}

func sweepOf(rec Record) (Sweep, error) {
	var sweep Sweep
	err := json.Unmarshal(rec.Data, &sweep)
	sweep.version = rec.Version
	return sweep, err
}

// List returns sweeps, newest first.
func (s *Sweeps) List(ctx context.Context, cursor string, limit int) (Page[Sweep], error) {
	if err := knownCursor(cursor); err != nil {
		return Page[Sweep]{}, err
	}
	page, err := s.e.backend.Records.List(ctx, kindSweep, cursor, limit)
	if err != nil {
		return Page[Sweep]{}, err
	}
	list := Page[Sweep]{Items: make([]Sweep, 0, len(page.Items)), Next: page.Next}
	for _, rec := range page.Items {
		sweep, err := sweepOf(rec)
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, sweep)
	}
	return list, nil
}

// Schedule returns when sweeps run.
func (s *Sweeps) Schedule(ctx context.Context) (SweepSchedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(ctx); err != nil {
		return SweepSchedule{}, err
	}
	v := SweepSchedule{SweepSettings: s.settings.SweepSettings, NextRuns: []time.Time{}, Configured: s.configured}
	if s.settings.SweepSettings != s.configured {
		v.ChangedBy, v.ChangedAt = s.settings.By, s.settings.At
	}
	for at := time.Now().UTC(); v.Enabled && len(v.NextRuns) < 5; {
		if at = s.next(at); at.IsZero() {
			break
		}
		v.NextRuns = append(v.NextRuns, at)
	}
	return v, nil
}

// SetSchedule changes when sweeps run, at once and for restarts to come.
func (s *Sweeps) SetSchedule(ctx context.Context, c ScheduleChange) (v SweepSchedule, err error) {
	entry := NewEntry(ctx, "sweep.schedule", "sweeps/schedule", c.Reason, nil)
	defer s.e.Audit.failed(ctx, entry, &err)
	s.mu.Lock()
	err = s.setSchedule(ctx, c, entry)
	s.mu.Unlock()
	if err != nil {
		return SweepSchedule{}, err
	}
	s.e.Events.Touch(TopicSweeps, TopicAudit)
	return s.Schedule(ctx)
}

func (s *Sweeps) setSchedule(ctx context.Context, c ScheduleChange, entry *Entry) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	before := s.settings
	after := storedSweepSettings{SweepSettings: before.SweepSettings, By: ActorFrom(ctx).Name, Reason: c.Reason, At: time.Now().UTC()}
	if c.Reset {
		after.SweepSettings = s.configured
	}
	if c.Cron != nil {
		after.Cron = strings.TrimSpace(*c.Cron)
	}
	if c.StuckAfter != nil {
		after.StuckAfter = *c.StuckAfter
	}
	if c.Enabled != nil {
		after.Enabled = *c.Enabled
	}
	if after.StuckAfter < stuckAfterLeast {
		return invalid("stuck_after", "stuck_after is at least 1s")
	}
	next, err := s.parse(after.Cron)
	if err != nil {
		return err
	}
	data, err := json.Marshal(after)
	if err != nil {
		return err
	}
	entry.with(beforeAfter(scheduleDetail(before.SweepSettings), scheduleDetail(after.SweepSettings), nil))
	err = s.e.backend.Records.Put(ctx, entry, Record{Kind: kindSweepSettings, ID: sweepSettingsID, Version: before.version, Data: data})
	if errors.Is(err, ErrVersion) {
		return conflict("somebody else changed the schedule at the same moment; look again")
	}
	if err != nil {
		return err
	}
	after.version = before.version + 1
	s.settings, s.next = after, next
	return nil
}

// scheduleDetail is what the audit says of a schedule.
func scheduleDetail(s SweepSettings) map[string]any {
	return map[string]any{"cron": s.Cron, "stuck_after": s.StuckAfter.String(), "enabled": s.Enabled}
}
