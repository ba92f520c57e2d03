package handlers

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/pipeline"
	"redrive/static"
	"redrive/views"
)

type breakerStub struct {
	list   []pipeline.BreakerDetail
	err    error // of a change
	forced []pipeline.ForceRequest
}

func (s *breakerStub) List(context.Context) ([]pipeline.BreakerView, error) {
	var out []pipeline.BreakerView
	for _, d := range s.list {
		out = append(out, d.BreakerView)
	}
	return out, nil
}

func (s *breakerStub) Get(_ context.Context, name string) (pipeline.BreakerDetail, error) {
	for _, d := range s.list {
		if d.Name == name {
			return d, nil
		}
	}
	return pipeline.BreakerDetail{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no breaker named " + name}
}

func (s *breakerStub) Force(ctx context.Context, name string, req pipeline.ForceRequest) (pipeline.BreakerView, error) {
	d, err := s.Get(ctx, name)
	if err != nil {
		return d.BreakerView, err
	}
	s.forced = append(s.forced, req)
	v := d.BreakerView
	v.State, v.Held = req.State, req.State == "open" || req.State == "closed"
	if v.Held {
		v.HeldUntil = time.Date(2026, 5, 14, 4, 24, 10, 0, time.UTC)
	}
	if req.State == "automatic" {
		v.State = d.State
	}
	return v, s.err
}

type sweepStub struct {
	list     []pipeline.Sweep
	next     string
	schedule pipeline.SweepSchedule
	err      error // of a change
	cursors  []string
	started  []string // "dry github"
	changes  []pipeline.ScheduleChange
}

func (s *sweepStub) Start(_ context.Context, dry bool, name string) (pipeline.Sweep, error) {
	if name != "" && name != "github" && name != "images" {
		return pipeline.Sweep{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no pipeline named " + name}
	}
	kind := "real "
	if dry {
		kind = "dry "
	}
	s.started = append(s.started, kind+name)
	if len(s.list) > 0 && s.list[0].State == pipeline.SweepRunning {
		return s.list[0], s.err
	}
	return pipeline.Sweep{ID: "01new", State: pipeline.SweepRunning, DryRun: dry, Pipeline: name, StartedAt: time.Now(), By: "local"}, s.err
}

func (s *sweepStub) Get(_ context.Context, id string) (pipeline.Sweep, error) {
	for _, v := range s.list {
		if v.ID == id {
			return v, nil
		}
	}
	return pipeline.Sweep{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no sweep " + id}
}

func (s *sweepStub) List(_ context.Context, cursor string, _ int) (pipeline.Page[pipeline.Sweep], error) {
	s.cursors = append(s.cursors, cursor)
	return pipeline.Page[pipeline.Sweep]{Items: s.list, Next: s.next}, nil
}

func (s *sweepStub) Schedule(context.Context) (pipeline.SweepSchedule, error) { return s.schedule, nil }

func (s *sweepStub) SetSchedule(_ context.Context, c pipeline.ScheduleChange) (pipeline.SweepSchedule, error) {
	s.changes = append(s.changes, c)
	out := s.schedule
	if c.Enabled != nil {
		out.Enabled = *c.Enabled
	}
	if c.Cron != nil {
		out.Cron = *c.Cron
	}
	return out, s.err
}

type alarmStub []pipeline.AlarmDetail

func (s alarmStub) List(context.Context) ([]pipeline.AlarmView, error) {
	var out []pipeline.AlarmView
	for _, d := range s {
		out = append(out, d.AlarmView)
	}
	return out, nil
}

func (s alarmStub) Get(_ context.Context, name string) (pipeline.AlarmDetail, error) {
	for _, d := range s {
		if d.Name == name {
			return d, nil
		}
	}
	return pipeline.AlarmDetail{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no alarm named " + name}
}

// guardPages are the pages of breakers, sweeps and alarms over stubs.
type guardPages struct {
	state    pipeline.Overview
	breakers *breakerStub
	sweeps   *sweepStub
	alarms   alarmStub
	assets   *static.Assets
}

func (g guardPages) open(t *testing.T) *console {
	t.Helper()
	if g.breakers == nil {
		g.breakers = &breakerStub{}
	}
	if g.sweeps == nil {
		g.sweeps = &sweepStub{}
	}
	state := stateStub{g.state}
	frame := NewFramer(views.Page{Base: "/", Assets: g.assets, Env: views.Environment{Name: "production", Colour: "red"}, Version: "1.0.0"}, state, noFaults{})
	shell := &Shell{Base: "/", Frame: frame, Log: testLog(t)}
	breakers, sweeps, alarms := NewBreakers(g.breakers, state, frame), NewSweeps(g.sweeps, state, frame), NewAlarms(g.alarms, frame)
	m := chi.NewRouter()
	for pattern, h := range map[string]Handler{
		"GET /breakers": breakers.List, "GET /breakers/{name}": breakers.Show, "POST /breakers/{name}": breakers.Force,
		"GET /sweeps": sweeps.List, "POST /sweeps": sweeps.Run, "POST /sweeps/schedule": sweeps.Schedule, "GET /sweeps/{id}": sweeps.Show,
		"GET /alarms": alarms.List, "GET /alarms/{name}": alarms.Show,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		m.Method(method, path, shell.Page(h))
	}
	return &console{handler: http.Handler(m)}
}
