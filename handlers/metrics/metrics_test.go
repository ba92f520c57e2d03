package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"redrive/handlers/metrics"
	"redrive/pipeline"
)

type state struct {
	overview pipeline.Overview
	err      error
}

func (s state) Overview(context.Context) (pipeline.Overview, error) { return s.overview, s.err }

func scrape(t *testing.T, s state) *httptest.ResponseRecorder {
	t.Helper()
	h := metrics.New(s, "1.2.3", slog.New(slog.NewTextHandler(t.Output(), nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return w
}

func TestScrape(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	w := scrape(t, state{overview: pipeline.Overview{
		At: now,
		Pipelines: []pipeline.PipelineView{{
			Name: "github", Rows: map[pipeline.Status]int64{pipeline.StatusDone: 7}, OldestOpen: now.Add(-90 * time.Second),
			Steps: []pipeline.StepView{
				{Name: "index", Counts: pipeline.StepCounts{Queued: 3, Dead: 2, FailedTotal: 11}, Settings: pipeline.StepSettings{Paused: true, Concurrency: 8}},
				{Name: "old", Gone: true, Counts: pipeline.StepCounts{Queued: 9}},
			},
		}},
		Breakers: []pipeline.BreakerView{{BreakerConfig: pipeline.BreakerConfig{Name: "search-api"}, State: "half-open", FailureNow: 0.5}},
		Alarms:   []pipeline.AlarmView{{AlarmConfig: pipeline.AlarmConfig{Name: "dead", Severity: "page"}, State: pipeline.AlarmOn}},
	}})
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	for _, line := range []string{
		`redrive_rows{pipeline="github",status="done"} 7`,
		`redrive_rows{pipeline="github",status="dead"} 0`,
		`redrive_oldest_unfinished_row_seconds{pipeline="github"} 90`,
		`redrive_step_rows{pipeline="github",state="queued",step="index"} 3`,
		`redrive_dead_letters{pipeline="github",step="index"} 2`,
		`redrive_step_failed_attempts_total{pipeline="github",step="index"} 11`,
		`redrive_step_paused{pipeline="github",step="index"} 1`,
		`redrive_breaker_state{breaker="search-api",state="half-open"} 1`,
		`redrive_breaker_state{breaker="search-api",state="open"} 0`,
		`redrive_alarm{alarm="dead",severity="page"} 1`,
		`redrive_build_info{version="1.2.3"} 1`,
		`go_goroutines `,
	} {
		if !strings.Contains(w.Body.String(), "\n"+line) {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(w.Body.String(), `step="old"`) {
		t.Error("a step that is no longer configured has series")
	}
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	w := scrape(t, state{err: &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store does not answer", Err: errors.New("disk: secret path")}})
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("status %d, headers %v, body %s", w.Code, w.Header(), w.Body)
	}
}
