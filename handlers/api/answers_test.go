package api_test

import (
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/handlers/api"
	"redrive/pipeline"
	"redrive/pipeline/access"
)

// Everything that is promised is there, whatever there is to say.
func TestPromisedFieldsAreAlwaysThere(t *testing.T) {
	t.Parallel()
	operation := "id state pipeline step matched eligible moved succeeded failed_again rate_per_second by reason started_at finished_at stop_reason skipped"
	step := "name needs waiting queued running retrying dead processed_total failed_attempts_total breaker breaker_state paused rate concurrency falling_behind"
	row := "id pipeline status created_at updated_at content_type steps"
	flag := "name state attempts processed_at next_attempt_at last_error"
	breaker := "name state mode failure_rate calls since next_probe_at waiting held_by held_until reason"
	sweep := "id state dry_run scanned stuck requeued started_at finished_at by rows"
	alarm := "name state severity metric threshold value since reason silenced_until watched"
	fault := "id pipeline step error_rate latency throttle for reason"
	full := &fake{row: pipeline.RowDetail{Row: pipeline.Row{ID: "r1", Steps: []pipeline.Flag{{Name: "index"}}}, Attempts: []pipeline.Attempt{{Step: "index"}}}}
	for _, tt := range []struct{ method, target, body, path, fields string }{
		{"GET", "/overview", "", "", "pipelines"},
		{"GET", "/overview", "", "pipelines.0", "name rows steps"},
		{"GET", "/overview", "", "pipelines.0.rows", "accepted in_progress done dead rejected discarded"},
		{"GET", "/overview", "", "pipelines.0.steps.0", step},
		{"GET", "/rows", "", "", "rows next_cursor"},
		{"GET", "/rows", "", "rows.0", row},
		{"GET", "/rows", "", "rows.0.steps.0", flag},
		{"GET", "/rows/r1", "", "", row + " payload attempts payload_encoding"},
		{"GET", "/rows/r1", "", "steps.0", flag + " result"},
		{"GET", "/rows/r1", "", "attempts.0", "step number started_at duration_ms outcome error status_code worker"},
		{"POST", "/rows/r1/replay", "{}", "", row + " payload attempts"},
		{"POST", "/rows", `{"pipeline":"p","payload":1}`, "", "id"},
		{"GET", "/dead-letters", "", "", "dead_letters total next_cursor"},
		{"GET", "/dead-letters", "", "dead_letters.0", "id row_id pipeline step queue error status_code group attempts kind first_failed_at dead_at"},
		{"GET", "/dead-letters/groups", "", "", "groups"},
		{"GET", "/redrives", "", "", "redrives next_cursor"},
		{"GET", "/redrives", "", "redrives.0", operation},
		{"GET", "/redrives/o1", "", "", operation},
		{"POST", "/redrives", `{"pipeline":"p","all":true,"dry_run":true}`, "", operation},
		{"POST", "/discards", `{"pipeline":"p","all":true,"reason":"x"}`, "", operation},
		{"POST", "/discards/o1/restore", `{"reason":"x"}`, "", operation},
		{"POST", "/replays", `{"pipeline":"p","reason":"x"}`, "", operation},
		{"GET", "/breakers", "", "breakers.0", breaker},
		{"GET", "/breakers/b", "", "", breaker + " history probes"},
		{"POST", "/breakers/b", `{"state":"half-open","reason":"x"}`, "", breaker},
		{"GET", "/sweeps", "", "", "sweeps next_cursor"},
		{"POST", "/sweeps", "", "", sweep},
		{"GET", "/sweeps/s1", "", "", sweep},
		{"GET", "/sweeps/schedule", "", "", "cron stuck_after enabled next_runs"},
		{"PUT", "/sweeps/schedule", `{"enabled":true}`, "", "cron stuck_after enabled next_runs"},
		{"GET", "/alarms", "", "alarms.0", alarm},
		{"GET", "/alarms/a", "", "", alarm + " history"},
		{"GET", "/alarms/a", "", "history.0", "at from to reason notified source"},
		{"GET", "/alarms/a", "", "watched", "source state since reason seen_at failing_since error"},
		{"POST", "/steps/p/s", `{"paused":true}`, "", step},
		{"GET", "/faults", "", "", "faults"},
		{"POST", "/faults", `{"pipeline":"p","step":"s","error_rate":1,"for":"90m","reason":"x"}`, "", fault},
		{"DELETE", "/faults/f1", "", "", fault},
		{"GET", "/audit", "", "", "entries next_cursor"},
		{"GET", "/audit", "", "entries.0", "at actor action object reason result detail"},
	} {
		_, fields := call(t, full, tt.method, tt.target, tt.body)
		at := dig(fields, tt.path)
		for name := range strings.FieldsSeq(tt.fields) {
			if _, there := at[name]; !there {
				t.Errorf("%s %s: %s has no field %s: %v", tt.method, tt.target, tt.path, name, at)
			}
		}
	}
}

func dig(value map[string]any, path string) map[string]any {
	for part := range strings.SplitSeq(path, ".") {
		switch {
		case part == "", part == "0":
		default:
			next := value[part]
			if list, ok := next.([]any); ok && len(list) > 0 {
				next = list[0]
			}
			value, _ = next.(map[string]any)
		}
	}
	return value
}

func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	for target, name := range map[string]string{"/dead-letters/groups": "groups", "/sweeps": "sweeps", "/faults": "faults"} {
		_, fields := call(t, &fake{}, "GET", target, "")
		if list, ok := fields[name].([]any); !ok || len(list) != 0 {
			t.Errorf("%s: %v, want []", target, fields[name])
		}
	}
}

func TestStatusOfActions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, target, body string
		want                 int
	}{
		{"POST", "/rows", `{"pipeline":"p","payload":1}`, 202},
		{"POST", "/rows/r1/replay", ``, 202},
		{"POST", "/rows/r1/discard", `{"reason":"x"}`, 200},
		{"POST", "/rows/r1/restore", ``, 200},
		{"POST", "/redrives", `{"pipeline":"p","all":true,"reason":"x"}`, 202},
		{"POST", "/redrives/o1/cancel", ``, 200},
		{"POST", "/discards", `{"pipeline":"p","step":"s","oldest":5,"reason":"x"}`, 202},
		{"POST", "/breakers/b", `{"state":"automatic","reason":"x"}`, 200},
		{"POST", "/sweeps", ``, 202},
		{"POST", "/faults", `{"pipeline":"p","step":"s","for":"1m","reason":"x"}`, 201},
		{"DELETE", "/faults/f1", ``, 200},
	} {
		if w, _ := call(t, &fake{}, tt.method, tt.target, tt.body); w.Code != tt.want {
			t.Errorf("%s %s: %d, want %d: %s", tt.method, tt.target, w.Code, tt.want, w.Body)
		}
	}
}

func TestDryRunHasNoID(t *testing.T) {
	t.Parallel()
	f := &fake{op: pipeline.Operation{Kind: pipeline.OpRedrive, Matched: 118, Eligible: 100, Skipped: []pipeline.Skip{{Why: "discarded", Count: 18}}}}
	_, fields := call(t, f, "POST", "/redrives", `{"pipeline":"github","group":"g1","dry_run":true}`)
	if id, there := fields["id"]; id != nil || !there || fields["state"] != "done" || fields["dry_run"] != true {
		t.Errorf("answered %v", fields)
	}
	want := pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Pipeline: "github", Group: "g1"}, DryRun: true}
	if !reflect.DeepEqual(f.asked, want) {
		t.Errorf("asked for %+v", f.asked)
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, tt := range []struct {
		name, payload string
		want          any
		encoding      any
	}{
		{"JSON is a value", `{"a":[1,"<b>"]}`, map[string]any{"a": []any{1.0, "<b>"}}, nil},
		{"a number is a value", `5`, 5.0, nil},
		{"text is not", `hello`, "aGVsbG8=", "base64"},
		{"nor are bytes", "\xff\x00", "/wA=", "base64"},
		{"nor is JSON with broken text in it", "\"\xff\"", "Iv8i", "base64"},
		{"nothing is null", ``, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{row: pipeline.RowDetail{Row: pipeline.Row{Steps: []pipeline.Flag{{Name: "s"}}}, Payload: []byte(tt.payload), Results: map[string][]byte{"s": []byte(tt.payload)}}}
			_, fields := call(t, f, "GET", "/rows/r1", "")
			step := dig(fields, "steps")
			if !reflect.DeepEqual(fields["payload"], tt.want) || fields["payload_encoding"] != tt.encoding {
				t.Errorf("payload %v as %v", fields["payload"], fields["payload_encoding"])
			}
			if !reflect.DeepEqual(step["result"], tt.want) || step["result_encoding"] != tt.encoding {
				t.Errorf("result %v as %v", step["result"], step["result_encoding"])
			}
		})
	}
	if _, fields := call(t, &fake{row: pipeline.RowDetail{Payload: []byte(deep)}}, "GET", "/rows/r1", ""); fields["payload_encoding"] != "base64" {
		t.Error("a payload that nests too deep for parsers is shown as JSON")
	}
}

func TestTimesAndFigures(t *testing.T) {
	t.Parallel()
	f := &fake{row: pipeline.RowDetail{Row: pipeline.Row{CreatedAt: moment}}, op: pipeline.Operation{ID: "o1", Rate: math.NaN()}}
	_, row := call(t, f, "GET", "/rows/r1", "")
	if row["created_at"] != "2026-05-14T01:24:10.005Z" || row["updated_at"] != nil {
		t.Errorf("times %v and %v", row["created_at"], row["updated_at"])
	}
	if _, op := call(t, f, "GET", "/redrives/o1", ""); op["rate_per_second"] != nil {
		t.Errorf("rate %v", op["rate_per_second"])
	}
	_, schedule := call(t, f, "GET", "/sweeps/schedule", "")
	if schedule["stuck_after"] != "15m" {
		t.Errorf("stuck_after %v", schedule["stuck_after"])
	}
	_, fault := call(t, f, "POST", "/faults", `{"pipeline":"p","step":"s","latency":"1500ms","for":"90m","reason":"x"}`)
	if fault["latency"] != "1.5s" || fault["for"] != "1h30m" {
		t.Errorf("latency %v for %v", fault["latency"], fault["for"])
	}
}

func TestRequestsReachTheServices(t *testing.T) {
	t.Parallel()
	yes, five, after := true, 5.0, 20*time.Minute
	two := 2
	for _, tt := range []struct {
		method, target, body string
		want                 any
	}{
		{"GET", "/rows?pipeline=github&status=dead&step=index&state=retrying&q=a%2Bb&since=2026-05-14T03:00:00%2B02:00&limit=7&cursor=c1", "", pipeline.RowFilter{
			Pipeline: "github", Status: pipeline.StatusDead, Step: "index", State: pipeline.StateRetrying, Query: "a+b",
			Since: time.Date(2026, 5, 14, 1, 0, 0, 0, time.UTC), Limit: 7, Cursor: "c1"}},
		{"GET", "/rows", "", pipeline.RowFilter{Limit: 50}},
		{"GET", "/dead-letters?q=", "", pipeline.LetterFilter{Limit: 50}},
		{"GET", "/audit?action=redrive.&limit=500", "", pipeline.AuditFilter{Action: "redrive.", Limit: 500}},
		{"POST", "/rows/r1/replay", `{"step":"index","downstream":true,"force":true,"reason":" word for word "}`, pipeline.ReplayRequest{Step: "index", Downstream: true, Force: true, Reason: " word for word "}},
		{"POST", "/rows", `{"pipeline":"github","payload": {"a": 1.0} }`, pipeline.TestMessage{Pipeline: "github", Payload: []byte(`{"a": 1.0}`), ContentType: "application/json"}},
		{"POST", "/rows", `{"pipeline":"github","payload":"hi","content_type":"text/plain","reason":"r"}`, pipeline.TestMessage{Pipeline: "github", Payload: []byte(`hi`), ContentType: "text/plain", Reason: "r"}},
		{"POST", "/rows", `{"pipeline":"github","payload":"/wA=","payload_encoding":"base64","content_type":"image/png"}`, pipeline.TestMessage{Pipeline: "github", Payload: []byte{0xff, 0}, ContentType: "image/png"}},
		{"POST", "/breakers/b%2Fc", `{"state":"open","for":"15m","reason":"x"}`, "b/c"},
		{"GET", "/steps/a%20b/c%252F", "", [2]string{"a b", "c%2F"}},
		{"POST", "/steps/p/s", `{"paused":true,"concurrency":2,"rate":5,"reason":null}`, pipeline.StepChange{Paused: &yes, Concurrency: &two, Rate: &five}},
		{"PUT", "/sweeps/schedule", `{"stuck_after":"20m","enabled":true}`, pipeline.ScheduleChange{StuckAfter: &after, Enabled: &yes}},
		{"POST", "/redrives/o1/resume", `{"rate_per_second":5}`, &five},
		{"POST", "/discards", `{"pipeline":"p","step":"s","older_than":"20m","reason":"x"}`, pipeline.OperationRequest{
			Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Pipeline: "p", Step: "s", OlderThan: after}, Reason: "x"}},
		{"POST", "/redrives", `{"pipeline":"p","ids":["d1","d2"],"canary":null,"rate_per_second":5,"reason":"x"}`, pipeline.OperationRequest{
			Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Pipeline: "p", IDs: []string{"d1", "d2"}}, Rate: 5, Reason: "x"}},
		{"GET", "/discards", "", pipeline.OpDiscard},
	} {
		f := &fake{}
		w, _ := call(t, f, tt.method, tt.target, tt.body)
		if w.Code >= 300 || !reflect.DeepEqual(f.asked, tt.want) {
			t.Errorf("%s %s: %d, asked for %+v, want %+v", tt.method, tt.target, w.Code, f.asked, tt.want)
		}
	}
}

// Every answer has the fields its schema requires, and no other.
func TestAnswersFitTheirSchemas(t *testing.T) {
	t.Parallel()
	_, doc := call(t, &fake{}, "GET", "/openapi.json", "")
	schemas := dig(doc, "components.schemas")
	full := &fake{row: pipeline.RowDetail{Row: pipeline.Row{Steps: []pipeline.Flag{{}}}, Attempts: []pipeline.Attempt{{}}}}
	for target, name := range map[string]string{"/overview": "overviewAnswer", "/rows": "rowList", "/rows/r1": "rowAnswer", "/redrives/o1": "operationItem",
		"/breakers/b": "breakerAnswer", "/alarms/a": "alarmAnswer", "/sweeps/schedule": "scheduleAnswer", "/audit": "auditList"} {
		_, answer := call(t, full, "GET", target, "")
		schema, _ := schemas[name].(map[string]any)
		properties, _ := schema["properties"].(map[string]any)
		if len(properties) == 0 || !slices.Equal(keys(properties), keys(answer)) {
			t.Errorf("%s: schema %s says %v, the answer has %v", target, name, keys(properties), keys(answer))
		}
	}
}

func keys(m map[string]any) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// A client puts a path right after the server's address, so that must not end in
// a slash, but for the one that stands for the root.
func TestDocumentSaysWhereTheServerIs(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{"/": "/", "/ops": "/ops", "/ops/x/": "/ops/x"} {
		doc, err := api.New(api.Services{}, slog.New(slog.DiscardHandler)).Mount(chi.NewRouter(), "/api/v1", func(string, string, access.Role) {}).Document(base).Do(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Servers []struct{ URL string } }
		if raw, ok := doc.(json.RawMessage); !ok || json.Unmarshal(raw, &got) != nil || len(got.Servers) != 1 || got.Servers[0].URL != want {
			t.Errorf("below %s: servers %v, want %s", base, got.Servers, want)
		}
	}
}

// Every reference in the document leads somewhere.
func TestDocumentHoldsTogether(t *testing.T) {
	t.Parallel()
	w, doc := call(t, &fake{}, http.MethodGet, "/openapi.json", "")
	schemas := dig(doc, "components.schemas")
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if _, there := schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !there {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, item := range v {
				walk(item)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	if !json.Valid(w.Body.Bytes()) || len(schemas) < 20 {
		t.Errorf("%d schemas", len(schemas))
	}
}
