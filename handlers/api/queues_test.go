package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"redrive/handlers/api"
	"redrive/pipeline"
	"redrive/pipeline/access"
)

// fakeQueues stands for the queues that are not ours.
type fakeQueues struct{ f *fake }

var fakeQueue = pipeline.Queue{Name: "orders-dlq", Visible: 7, Sources: []string{"orders"}, ReadAt: moment} //nolint:gochecknoglobals // a constant in all but syntax

func (s fakeQueues) List(context.Context) ([]pipeline.Queue, error) {
	return []pipeline.Queue{fakeQueue, {Name: "gone", Error: "queue gone does not exist"}}, s.f.err
}

func (s fakeQueues) Get(_ context.Context, name string) (pipeline.Queue, error) {
	if name != "orders-dlq" {
		return pipeline.Queue{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no queue " + name + " here"}
	}
	return fakeQueue, s.f.err
}

func (s fakeQueues) LastLook(context.Context, string) (pipeline.QueueLook, error) {
	return pipeline.QueueLook{At: moment, By: "local", Seen: 1}, nil
}

func (s fakeQueues) Copies(_ context.Context, _ string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error) {
	s.f.asked = f
	return pipeline.Page[pipeline.QueueCopy]{Items: []pipeline.QueueCopy{{QueueMessage: fakeMessage, SeenAt: moment, Size: 2}}, Next: "c2", Scanned: 9}, s.f.err
}

var fakeMessage = pipeline.QueueMessage{ID: "m1", Body: "{}", Receives: 2, SentAt: moment, Attributes: []pipeline.QueueAttribute{
	{Name: "tenant", Type: "String", Value: []byte("acme")}, {Name: "raw", Type: "Binary", Value: []byte{0, 255}}}}

func (s fakeQueues) RevealAll(_ context.Context, name, way string) error {
	s.f.reason = "revealed " + name + " through " + way
	return s.f.err
}

func (s fakeQueues) Moves(context.Context, string, int) ([]pipeline.QueueMove, error) {
	return []pipeline.QueueMove{{ID: "o1", Queue: "orders-dlq", State: pipeline.MoveDone, Missing: 1, Open: []string{"m9"}}}, s.f.err
}

func (s fakeQueues) Browse(_ context.Context, name string, most int) (pipeline.QueueSight, error) {
	s.f.asked = most
	return pipeline.QueueSight{Queue: name, Seen: 1, New: 1, All: true, Messages: []pipeline.QueueMessage{fakeMessage}}, s.f.err
}

func (s fakeQueues) Purge(_ context.Context, _, reason string) (pipeline.Queue, error) {
	s.f.reason = reason
	return fakeQueue, s.f.err
}

func (s fakeQueues) Move(_ context.Context, _ string, req pipeline.QueueMoveRequest) (pipeline.QueueMove, error) {
	s.f.asked = req
	return pipeline.QueueMove{ID: "o1", State: pipeline.MoveRunning, By: "local"}, s.f.err
}

func (s fakeQueues) GetMove(_ context.Context, _, id string) (pipeline.QueueMove, error) {
	return pipeline.QueueMove{ID: id}, s.f.err
}

func (s fakeQueues) steer(id, reason string) (pipeline.QueueMove, error) {
	s.f.reason = reason
	return pipeline.QueueMove{ID: id}, s.f.err
}

func (s fakeQueues) CancelMove(_ context.Context, _, id, reason string) (pipeline.QueueMove, error) {
	return s.steer(id, reason)
}

func (s fakeQueues) PauseMove(_ context.Context, _, id, reason string) (pipeline.QueueMove, error) {
	return s.steer(id, reason)
}

func (s fakeQueues) ResumeMove(_ context.Context, _, id string, rate *float64, reason string) (pipeline.QueueMove, error) {
	s.f.asked = rate
	return s.steer(id, reason)
}

// askQueues makes a call of the part of the API that is about queues.
func askQueues(t *testing.T, f *fake, method, target, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	router := chi.NewRouter()
	a := api.New(api.Services{Queues: fakeQueues{f}}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	m := a.Mount(router, "/api/v1", func(string, string, access.Role) {})
	m.Get("/queues", a.ListQueues())
	m.Get("/queues/{name}", a.GetQueue())
	m.Post("/queues/{name}/browse", a.BrowseQueue())
	m.Post("/queues/{name}/redrive", a.RedriveQueue())
	m.Post("/queues/{name}/purge", a.PurgeQueue())
	m.Get("/queues/{name}/moves/{id}", a.GetQueueMove())
	m.Post("/queues/{name}/moves/{id}/cancel", a.CancelQueueMove())
	m.Post("/queues/{name}/moves/{id}/pause", a.PauseQueueMove())
	m.Post("/queues/{name}/moves/{id}/resume", a.ResumeQueueMove())
	m.Get("/openapi.json", m.Document("/"))
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r.WithContext(pipeline.WithActor(r.Context(), pipeline.Actor{Name: "ann", Role: f.role})))
	fields := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
		t.Fatalf("%s %s: %d with a body that is no JSON object: %s", method, target, w.Code, w.Body)
	}
	return w, fields
}

func TestQueueFieldsAreAlwaysThere(t *testing.T) {
	t.Parallel()
	queue := "name url arn kind fifo visible in_flight delayed dead_letter_queue max_receive_count sources retention pipeline step error read_at"
	message := "id body attributes sent_at first_received_at receive_count source"
	move := "id queue to native all state matched moved missing missing_ids maybe_twice skipped rate_per_second by reason started_at finished_at stop_reason trouble"
	for _, tt := range []struct{ method, target, body, path, fields string }{
		{"GET", "/queues", "", "queues.0", queue},
		{"GET", "/queues/orders-dlq", "", "", queue + " last_look purged_at messages next_cursor searched moves"},
		{"GET", "/queues/orders-dlq", "", "last_look", "at by seen new all"},
		{"GET", "/queues/orders-dlq", "", "messages.0", message + " body_bytes cut first_seen_at last_seen_at in_last_look moved_to moved_at moved_as move_id"},
		{"GET", "/queues/orders-dlq", "", "messages.0.attributes.0", "name type value value_encoding"},
		{"GET", "/queues/orders-dlq", "", "moves.0", move},
		{"POST", "/queues/orders-dlq/browse", "", "", "queue seen new all messages"},
		{"POST", "/queues/orders-dlq/browse", `{"max":5}`, "messages.0", message},
		{"POST", "/queues/orders-dlq/redrive", `{"all":true,"reason":"x"}`, "", move},
		{"POST", "/queues/orders-dlq/purge", `{"reason":"x"}`, "", queue},
		{"GET", "/queues/orders-dlq/moves/o1", "", "", move},
		{"POST", "/queues/orders-dlq/moves/o1/cancel", "", "", move},
		{"POST", "/queues/orders-dlq/moves/o1/pause", "", "", move},
		{"POST", "/queues/orders-dlq/moves/o1/resume", `{"rate_per_second":3}`, "", move},
	} {
		w, fields := askQueues(t, &fake{}, tt.method, tt.target, tt.body)
		want := http.StatusOK
		if strings.HasSuffix(tt.target, "/redrive") {
			want = http.StatusAccepted
		}
		if w.Code != want {
			t.Errorf("%s %s: %d", tt.method, tt.target, w.Code)
		}
		at := dig(fields, tt.path)
		for name := range strings.FieldsSeq(tt.fields) {
			if _, there := at[name]; !there {
				t.Errorf("%s %s: %s has no field %s: %v", tt.method, tt.target, tt.path, name, at)
			}
		}
	}
}

func TestQueueValues(t *testing.T) {
	t.Parallel()
	_, fields := askQueues(t, &fake{}, "GET", "/queues", "")
	list, _ := fields["queues"].([]any)
	if first := list[0].(map[string]any); first["kind"] != "dead-letter" || first["error"] != nil || first["read_at"] != "2026-05-14T01:24:10.005Z" {
		t.Errorf("the first: %v", first)
	}
	if second := list[1].(map[string]any); second["error"] != "queue gone does not exist" || second["kind"] != "queue" || second["sources"] == nil {
		t.Errorf("the one that is gone: %v", second)
	}
	f := &fake{}
	_, fields = askQueues(t, f, "GET", "/queues/orders-dlq?q=ACME&limit=7&cursor=c1", "")
	if f.asked != (pipeline.QueueCopyFilter{Query: "ACME", Limit: 7, Cursor: "c1"}) {
		t.Errorf("asked for %+v", f.asked)
	}
	seen := dig(fields, "messages.0")
	if seen["body"] != "{}" || seen["in_last_look"] != true || fields["searched"] != 9.0 || fields["next_cursor"] != "c2" {
		t.Errorf("a message: %v of %v", seen, fields)
	}
	attributes, _ := seen["attributes"].([]any)
	if raw := attributes[1].(map[string]any); raw["value"] != "AP8=" || raw["value_encoding"] != "base64" {
		t.Errorf("a binary attribute: %v", raw)
	}
	if moved := dig(fields, "moves.0"); moved["missing"] != 1.0 || moved["missing_ids"].([]any)[0] != "m9" {
		t.Errorf("a redrive: %v", moved)
	}
	askQueues(t, f, "POST", "/queues/orders-dlq/browse", `{"max":5}`)
	if f.asked != 5 {
		t.Errorf("looked at %v", f.asked)
	}
	askQueues(t, f, "POST", "/queues/orders-dlq/redrive", `{"all":true,"to":"orders","rate_per_second":50,"native":true,"reason":"it works again"}`)
	if req, _ := f.asked.(pipeline.QueueMoveRequest); !req.All || !req.Native || req.To != "orders" || req.Rate != 50 || req.Reason != "it works again" || req.IDs != nil {
		t.Errorf("moved %+v", f.asked)
	}
	askQueues(t, f, "POST", "/queues/orders-dlq/redrive", `{"ids":["a","b"],"reason":"x"}`)
	if req, _ := f.asked.(pipeline.QueueMoveRequest); len(req.IDs) != 2 || req.All {
		t.Errorf("moved %+v", f.asked)
	}
}

func TestQueueRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, target, body string
		status                     int
		field                      string
	}{
		{"an unknown parameter", "GET", "/queues?prefix=x", "", 400, "prefix"},
		{"a limit of none", "GET", "/queues/orders-dlq?limit=0", "", 400, "limit"},
		{"a queue nobody named", "GET", "/queues/theirs", "", 404, ""},
		{"a queue with an escaped slash", "GET", "/queues/a%2Fb", "", 404, ""},
		{"a look at none", "POST", "/queues/orders-dlq/browse", `{"max":0}`, 400, "max"},
		{"a look at half a message", "POST", "/queues/orders-dlq/browse", `{"max":1.5}`, 400, "max"},
		{"a look with an unknown field", "POST", "/queues/orders-dlq/browse", `{"maximum":5}`, 400, "maximum"},
		{"a redrive of nothing", "POST", "/queues/orders-dlq/redrive", `{"reason":"x"}`, 400, "ids"},
		{"a redrive of no ids", "POST", "/queues/orders-dlq/redrive", `{"ids":[],"reason":"x"}`, 400, "ids"},
		{"a redrive of both", "POST", "/queues/orders-dlq/redrive", `{"ids":["a"],"all":true,"reason":"x"}`, 400, "all"},
		{"a redrive without a reason", "POST", "/queues/orders-dlq/redrive", `{"all":true}`, 400, "reason"},
		{"a redrive at a negative rate", "POST", "/queues/orders-dlq/redrive", `{"all":true,"rate_per_second":-1,"reason":"x"}`, 400, "rate_per_second"},
		{"a redrive to a number", "POST", "/queues/orders-dlq/redrive", `{"all":true,"to":5,"reason":"x"}`, 400, "to"},
		{"a redrive that is native by text", "POST", "/queues/orders-dlq/redrive", `{"all":true,"native":"yes","reason":"x"}`, 400, "native"},
		{"a purge without a reason", "POST", "/queues/orders-dlq/purge", `{"reason":" "}`, 400, "reason"},
		{"a move with an id that is none", "GET", "/queues/orders-dlq/moves/a%20b", "", 404, ""},
		{"a resume at a negative rate", "POST", "/queues/orders-dlq/moves/o1/resume", `{"rate_per_second":-1}`, 400, "rate_per_second"},
	} {
		w, fields := askQueues(t, &fake{}, tt.method, tt.target, tt.body)
		field, _ := fields["field"].(string)
		if w.Code != tt.status || field != tt.field || fields["detail"] == "" {
			t.Errorf("%s: %d for %q: %v", tt.name, w.Code, field, fields["detail"])
		}
	}
	w, fields := askQueues(t, &fake{err: &pipeline.Error{Code: pipeline.CodeNotFound, Text: "queues that are not ours need `backend: aws`"}}, "GET", "/queues", "")
	if w.Code != 404 || !strings.Contains(fields["detail"].(string), "backend: aws") {
		t.Errorf("without such queues: %d %v", w.Code, fields)
	}
}

func TestQueuesAreInTheDocument(t *testing.T) {
	t.Parallel()
	_, fields := askQueues(t, &fake{}, "GET", "/openapi.json", "")
	paths, _ := fields["paths"].(map[string]any)
	if _, there := paths["/api/v1/queues/{name}/redrive"]; !there {
		t.Errorf("paths %v", paths)
	}
	schemas := dig(fields, "components.schemas")
	for _, name := range []string{"queueItem", "copyItem", "messageItem", "moveItem", "moveBody"} {
		if schemas[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
}
