package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

func TestOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    error
		status int
		detail string
		field  string
	}{
		{"a field that the sentence names", &pipeline.Error{Code: pipeline.CodeInvalid, Field: "cron", Text: "cron never comes true"}, 400, "cron never comes true", "cron"},
		{"a field that it does not name", &pipeline.Error{Code: pipeline.CodeInvalid, Field: "reason", Text: "say why"}, 400, "reason: say why", "reason"},
		{"a bare sentinel", fmt.Errorf("get row: %w", pipeline.ErrNotFound), 404, "There is nothing of this name here.", ""},
		{"a conflict, wrapped", fmt.Errorf("replay: %w", &pipeline.Error{Code: pipeline.CodeConflict, Text: "processed already"}), 409, "processed already", ""},
		{"a store that is away", pipeline.ErrUnavailable, 503, "The store does not answer. Try again in a moment.", ""},
		{"where the store lies", &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the disk under /var/lib/redrive/redrive.db is full"}, 503, "the disk under redrive.db is full", ""},
		{"an unknown code", &pipeline.Error{Code: "odd", Text: "odd"}, 500, "odd", ""},
		{"a body over its limit", &http.MaxBytesError{Limit: 5}, 413, "The body is over the limit of 5 bytes.", ""},
		{"a caller who left", context.Canceled, 499, "The caller went away.", ""},
		{"a slow body", fmt.Errorf("read: %w", os.ErrDeadlineExceeded), 408, "The body came too slowly. Send it again.", ""},
		{"a cut body", io.ErrUnexpectedEOF, 400, "The body ended too early. Send it again.", ""},
		{"anything else", errors.New("disk /var/x"), 500, "Internal error. The log has more under this request id.", ""},
		{"a problem of one's own", fmt.Errorf("x: %w", problem.New(418, "No coffee.")), 418, "No coffee.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if p := problem.Of(tt.err); p.Status != tt.status || p.Detail != tt.detail || p.Field != tt.field {
				t.Errorf("told %d %q of %q", p.Status, p.Detail, p.Field)
			}
		})
	}
}

func TestAnswerTellsTheIDAndLogsTheCause(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	r := httptest.NewRequestWithContext(problem.WithRequestID(t.Context(), "req1"), http.MethodGet, "/rows", nil)
	w := httptest.NewRecorder()
	problem.Answer(w, r, slog.New(slog.NewTextHandler(&log, nil)), errors.New("disk /var/x"))
	var told map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	if told["instance"] != "req1" || told["status"] != 500.0 || told["title"] != "Internal Server Error" || told["type"] != "about:blank" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("told %s", w.Body)
	}
	if !strings.Contains(log.String(), "disk /var/x") || !strings.Contains(log.String(), "request_id=req1") {
		t.Errorf("logged %s", log.String())
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got := problem.Quote("a\n\"" + strings.Repeat("ä", 100)); !strings.HasPrefix(got, `"a\n\"ä`) || len([]rune(got)) > 70 {
		t.Errorf("quoted as %s", got)
	}
}
