package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/handlers/api"
	"redrive/pipeline"
	"redrive/pipeline/access"
)

var moment = time.Date(2026, 5, 14, 3, 24, 10, 5e6, time.FixedZone("", 2*3600)) //nolint:gochecknoglobals // a constant in all but syntax

// fake stands for every service: it answers what a test put in and remembers
// what it was asked.
type fake struct {
	err    error
	row    pipeline.RowDetail
	op     pipeline.Operation
	asked  any
	reason string
	role   string // of who calls
}

func (f *fake) services() api.Services {
	return api.Services{Overview: f, Rows: fakeRows{f}, Letters: fakeLetters{f}, Operations: fakeOperations{f}, Breakers: fakeBreakers{f},
		Sweeps: fakeSweeps{f}, Alarms: fakeAlarms{f}, Steps: fakeSteps{f}, Faults: fakeFaults{f}, Audit: fakeAudit{f}}
}

func (f *fake) Overview(context.Context) (pipeline.Overview, error) {
	return pipeline.Overview{Pipelines: []pipeline.PipelineView{{Name: "github", Steps: []pipeline.StepView{{Name: "index"}}}}}, f.err
}

type fakeRows struct{ f *fake }

func (s fakeRows) List(_ context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error) {
	s.f.asked = f
	return pipeline.Page[pipeline.Row]{Items: []pipeline.Row{s.f.row.Row}, Next: "c2"}, s.f.err
}

func (s fakeRows) Get(_ context.Context, id string) (pipeline.RowDetail, error) {
	s.f.asked = id
	return s.f.row, s.f.err
}

func (s fakeRows) Reveal(_ context.Context, id, way string) (pipeline.RowDetail, error) {
	s.f.asked, s.f.reason = id, "revealed through "+way
	return s.f.row, s.f.err
}

func (s fakeRows) Replay(_ context.Context, _ string, r pipeline.ReplayRequest) (pipeline.RowDetail, error) {
	s.f.asked = r
	return s.f.row, s.f.err
}

func (s fakeRows) Discard(_ context.Context, id, reason string) (pipeline.RowDetail, error) {
	s.f.asked, s.f.reason = id, reason
	return s.f.row, s.f.err
}

func (s fakeRows) Restore(_ context.Context, id, reason string) (pipeline.RowDetail, error) {
	s.f.asked, s.f.reason = id, reason
	return s.f.row, s.f.err
}

func (s fakeRows) Test(_ context.Context, m pipeline.TestMessage) (string, error) {
	s.f.asked = m
	return "r9", s.f.err
}

type fakeLetters struct{ f *fake }

func (s fakeLetters) List(_ context.Context, f pipeline.LetterFilter) (pipeline.Page[pipeline.DeadLetter], int64, error) {
	s.f.asked = f
	return pipeline.Page[pipeline.DeadLetter]{Items: []pipeline.DeadLetter{{ID: "d1", Pipeline: "github", Step: "index"}}}, 118, s.f.err
}

func (s fakeLetters) Groups(context.Context, string, string) ([]pipeline.Group, error) {
	return nil, s.f.err
}

type fakeOperations struct{ f *fake }

func (s fakeOperations) Start(_ context.Context, r pipeline.OperationRequest) (pipeline.Operation, error) {
	s.f.asked = r
	return s.f.op, s.f.err
}

func (s fakeOperations) Get(_ context.Context, id string) (pipeline.Operation, error) {
	s.f.asked = id
	return s.f.op, s.f.err
}

func (s fakeOperations) List(_ context.Context, kind pipeline.OperationKind, _ string, _ int) (pipeline.Page[pipeline.Operation], error) {
	s.f.asked = kind
	return pipeline.Page[pipeline.Operation]{Items: []pipeline.Operation{s.f.op}}, s.f.err
}

func (s fakeOperations) Cancel(_ context.Context, id, reason string) (pipeline.Operation, error) {
	s.f.asked, s.f.reason = id, reason
	return s.f.op, s.f.err
}

func (s fakeOperations) Pause(_ context.Context, id, reason string) (pipeline.Operation, error) {
	s.f.asked, s.f.reason = id, reason
	return s.f.op, s.f.err
}

func (s fakeOperations) Resume(_ context.Context, _ string, rate *float64, reason string) (pipeline.Operation, error) {
	s.f.asked, s.f.reason = rate, reason
	return s.f.op, s.f.err
}

func (s fakeOperations) Restore(_ context.Context, id, reason string) (pipeline.Operation, error) {
	s.f.asked, s.f.reason = id, reason
	return s.f.op, s.f.err
}

type fakeBreakers struct{ f *fake }

func (s fakeBreakers) List(context.Context) ([]pipeline.BreakerView, error) {
	return []pipeline.BreakerView{{BreakerConfig: pipeline.BreakerConfig{Name: "search-api"}, State: "open", Held: true, HeldBy: "local"}}, s.f.err
}

func (s fakeBreakers) Get(_ context.Context, name string) (pipeline.BreakerDetail, error) {
	s.f.asked = name
	return pipeline.BreakerDetail{BreakerView: pipeline.BreakerView{BreakerConfig: pipeline.BreakerConfig{Name: name}, State: "closed"}}, s.f.err
}

func (s fakeBreakers) Force(_ context.Context, _ string, r pipeline.ForceRequest) (pipeline.BreakerView, error) {
	s.f.asked = r
	return pipeline.BreakerView{}, s.f.err
}

type fakeSweeps struct{ f *fake }

func (s fakeSweeps) Start(_ context.Context, dryRun bool, _ string) (pipeline.Sweep, error) {
	return pipeline.Sweep{ID: "s1", State: pipeline.SweepRunning, DryRun: dryRun, By: "local"}, s.f.err
}

func (s fakeSweeps) Get(_ context.Context, id string) (pipeline.Sweep, error) {
	return pipeline.Sweep{ID: id}, s.f.err
}

func (s fakeSweeps) List(context.Context, string, int) (pipeline.Page[pipeline.Sweep], error) {
	return pipeline.Page[pipeline.Sweep]{}, s.f.err
}

func (s fakeSweeps) Schedule(context.Context) (pipeline.SweepSchedule, error) {
	return pipeline.SweepSchedule{SweepSettings: pipeline.SweepSettings{Cron: "0 */3 * * *", StuckAfter: 15 * time.Minute, Enabled: true},
		NextRuns: []time.Time{moment}}, s.f.err
}

func (s fakeSweeps) SetSchedule(ctx context.Context, c pipeline.ScheduleChange) (pipeline.SweepSchedule, error) {
	s.f.asked = c
	return s.Schedule(ctx)
}

type fakeAlarms struct{ f *fake }

func (s fakeAlarms) List(context.Context) ([]pipeline.AlarmView, error) {
	return []pipeline.AlarmView{{AlarmConfig: pipeline.AlarmConfig{Name: "dead"}, State: pipeline.AlarmInsufficient}}, s.f.err
}

func (s fakeAlarms) Get(_ context.Context, name string) (pipeline.AlarmDetail, error) {
	return pipeline.AlarmDetail{AlarmView: pipeline.AlarmView{AlarmConfig: pipeline.AlarmConfig{Name: name},
		Watched: &pipeline.WatchedAlarm{Source: "CloudWatch"}},
		History: []pipeline.AlarmChange{{At: moment, From: "ok", To: "alarm"}}}, s.f.err
}

type fakeSteps struct{ f *fake }

func (s fakeSteps) Get(_ context.Context, pipe, step string) (pipeline.StepDetail, error) {
	s.f.asked = [2]string{pipe, step}
	return pipeline.StepDetail{StepView: pipeline.StepView{Name: step}}, s.f.err
}

func (s fakeSteps) Change(_ context.Context, _, step string, c pipeline.StepChange) (pipeline.StepView, error) {
	s.f.asked = c
	return pipeline.StepView{Name: step}, s.f.err
}

type fakeFaults struct{ f *fake }

func (s fakeFaults) List(context.Context) []pipeline.Fault { return nil }

func (s fakeFaults) Start(_ context.Context, n pipeline.NewFault) (pipeline.Fault, error) {
	s.f.asked = n
	return pipeline.Fault{ID: "f1", Latency: n.Latency, StartedAt: moment, Until: moment.Add(n.For), By: "local", Reason: n.Reason}, s.f.err
}

func (s fakeFaults) End(_ context.Context, id, reason string) (pipeline.Fault, error) {
	s.f.asked, s.f.reason = id, reason
	return pipeline.Fault{ID: id}, s.f.err
}

type fakeAudit struct{ f *fake }

func (s fakeAudit) List(_ context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error) {
	s.f.asked = f
	return pipeline.Page[pipeline.Entry]{Items: []pipeline.Entry{{At: moment, Actor: "local", Action: "row.discard", Detail: json.RawMessage(`{"before":"dead"}`)}}}, s.f.err
}

// serve mounts every operation a test may call.
func serve(t *testing.T, f *fake) http.Handler {
	t.Helper()
	r := chi.NewRouter()
	a := api.New(f.services(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	m := a.Mount(r, "/api/v1", func(string, string, access.Role) {})
	m.Get("/overview", a.GetOverview())
	m.Get("/rows", a.ListRows())
	m.Post("/rows", a.CreateRow())
	m.Get("/rows/{id}", a.GetRow())
	m.Post("/rows/{id}/replay", a.ReplayRow())
	m.Post("/rows/{id}/discard", a.DiscardRow())
	m.Post("/rows/{id}/restore", a.RestoreRow())
	m.Get("/dead-letters", a.ListLetters())
	m.Get("/dead-letters/groups", a.ListGroups())
	m.Get("/redrives", a.ListRedrives())
	m.Post("/redrives", a.StartRedrive())
	m.Get("/redrives/{id}", a.GetRedrive())
	m.Post("/redrives/{id}/cancel", a.CancelOperation())
	m.Post("/redrives/{id}/resume", a.ResumeOperation())
	m.Post("/replays", a.StartReplay())
	m.Get("/discards", a.ListDiscards())
	m.Post("/discards", a.StartDiscard())
	m.Post("/discards/{id}/restore", a.RestoreDiscard())
	m.Get("/breakers", a.ListBreakers())
	m.Get("/breakers/{name}", a.GetBreaker())
	m.Post("/breakers/{name}", a.ForceBreaker())
	m.Get("/sweeps", a.ListSweeps())
	m.Post("/sweeps", a.StartSweep())
	m.Get("/sweeps/schedule", a.GetSchedule())
	m.Put("/sweeps/schedule", a.SetSchedule())
	m.Get("/sweeps/{id}", a.GetSweep())
	m.Get("/alarms", a.ListAlarms())
	m.Get("/alarms/{name}", a.GetAlarm())
	m.Get("/steps/{pipeline}/{step}", a.GetStep())
	m.Post("/steps/{pipeline}/{step}", a.ChangeStep())
	m.Get("/faults", a.ListFaults())
	m.Post("/faults", a.StartFault())
	m.Delete("/faults/{id}", a.EndFault())
	m.Get("/audit", a.ListAudit())
	m.Post("/marks", a.NotYet("marks"))
	m.Get("/openapi.json", m.Document("/"))
	return r
}

// call makes a request with a JSON body and returns the answer and its fields.
func call(t *testing.T, f *fake, method, target, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.URL.RawPath = r.URL.EscapedPath() // as the shell does
	w := httptest.NewRecorder()
	serve(t, f).ServeHTTP(w, r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "ann", Role: f.role})))
	fields := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
		t.Fatalf("%s %s: %d with a body that is no JSON object: %s", method, target, w.Code, w.Body)
	}
	return w, fields
}
