package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redrive/pipeline"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 70)
	tests := []struct {
		name, method, target, body string
		status                     int
		field                      string
	}{
		{"an unknown parameter", "GET", "/rows?colour=red", "", 400, "colour"},
		{"a parameter where there are none", "GET", "/overview?x=1", "", 400, "x"},
		{"a parameter of an action", "POST", "/sweeps?dry_run=true", "", 400, "dry_run"},
		{"a repeated parameter", "GET", "/rows?limit=5&limit=6", "", 400, "limit"},
		{"limit zero", "GET", "/rows?limit=0", "", 400, "limit"},
		{"limit too high", "GET", "/dead-letters?limit=501", "", 400, "limit"},
		{"limit no number", "GET", "/audit?limit=ten", "", 400, "limit"},
		{"limit with a sign", "GET", "/audit?limit=%2B5", "", 400, "limit"},
		{"limit empty", "GET", "/sweeps?limit=", "", 400, "limit"},
		{"an unknown status", "GET", "/rows?status=broken", "", 400, "status"},
		{"an unknown state", "GET", "/rows?state=done", "", 400, "state"},
		{"a malformed time", "GET", "/rows?since=yesterday", "", 400, "since"},
		{"a time without a zone", "GET", "/audit?until=2026-05-14T03:00:00", "", 400, "until"},
		{"a window that ends before it begins", "GET", "/rows?since=2026-05-14T03:00:00Z&until=2026-05-13T03:00:00Z", "", 400, "until"},
		{"a broken escape", "GET", "/rows?q=%zz", "", 400, ""},
		{"a semicolon", "GET", "/rows?q=a;b=c", "", 400, ""},
		{"text that is no UTF-8", "GET", "/rows?q=%ff", "", 400, "q"},
		{"a very long text", "GET", "/rows?q=" + strings.Repeat("x", 2000), "", 400, "q"},

		{"an unknown field", "POST", "/rows/r1/discard", `{"reason":"x","why":"y"}`, 400, "why"},
		{"a field in other letters", "POST", "/rows/r1/discard", `{"Reason":"x"}`, 400, "Reason"},
		{"a field of the wrong type", "POST", "/rows/r1/discard", `{"reason":5}`, 400, "reason"},
		{"a boolean as text", "POST", "/sweeps", `{"dry_run":"true"}`, 400, "dry_run"},
		{"a number as text", "POST", "/steps/github/index", `{"rate":"5"}`, 400, "rate"},
		{"half a worker", "POST", "/steps/github/index", `{"concurrency":1.5}`, 400, "concurrency"},
		{"no worker", "POST", "/steps/github/index", `{"concurrency":0}`, 400, "concurrency"},
		{"a negative rate", "POST", "/steps/github/index", `{"rate":-1}`, 400, "rate"},
		{"a doubled field", "POST", "/rows/r1/discard", `{"reason":"x","reason":"y"}`, 400, "reason"},
		{"more after the object", "POST", "/rows/r1/discard", `{"reason":"x"}{}`, 400, ""},
		{"a list", "POST", "/rows/r1/discard", `[]`, 400, ""},
		{"null", "POST", "/rows/r1/discard", `null`, 400, ""},
		{"no JSON", "POST", "/rows/r1/discard", `reason=x`, 400, ""},
		{"a cut object", "POST", "/rows/r1/discard", `{"reason":"x"`, 400, ""},
		{"text that is no UTF-8 in JSON", "POST", "/rows/r1/discard", "{\"reason\":\"\xff\"}", 400, ""},
		{"deep nesting", "POST", "/rows", `{"payload":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, 400, ""},
		{"a body over 1 MiB", "POST", "/rows/r1/discard", `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},

		{"an id too long for one", "GET", "/rows/" + long, "", 404, ""},
		{"an id with an escaped slash", "GET", "/rows/a%2Fb", "", 404, ""},
		{"an id that climbs", "GET", "/rows/%2e%2e", "", 404, ""},
		{"an id with quotes", "GET", "/rows/'%22", "", 404, ""},
		{"an id with NUL", "GET", "/sweeps/a%00", "", 404, ""},
		{"acting on such an id", "POST", "/redrives/" + long + "/cancel", `{"reason":"x"}`, 404, ""},

		{"a redrive of no pipeline", "POST", "/redrives", `{"all":true,"reason":"x"}`, 400, "pipeline"},
		{"a redrive of nothing", "POST", "/redrives", `{"pipeline":"github","reason":"x"}`, 400, "ids"},
		{"a redrive of two things", "POST", "/redrives", `{"pipeline":"github","all":true,"q":"x","reason":"x"}`, 400, "all"},
		{"a redrive of no ids", "POST", "/redrives", `{"pipeline":"github","ids":[],"reason":"x"}`, 400, "ids"},
		{"a redrive of ids that are none", "POST", "/redrives", `{"pipeline":"github","ids":[1],"reason":"x"}`, 400, "ids"},
		{"a redrive of an empty group", "POST", "/redrives", `{"pipeline":"github","group":"","reason":"x"}`, 400, "group"},
		{"a redrive of an empty search", "POST", "/redrives", `{"pipeline":"github","q":" ","reason":"x"}`, 400, "q"},
		{"all that is not all", "POST", "/redrives", `{"pipeline":"github","all":false,"reason":"x"}`, 400, "ids"},
		{"a redrive without a reason", "POST", "/redrives", `{"pipeline":"github","all":true,"reason":" "}`, 400, "reason"},
		{"a redrive at a negative rate", "POST", "/redrives", `{"pipeline":"github","all":true,"reason":"x","rate_per_second":-1}`, 400, "rate_per_second"},
		{"a canary", "POST", "/redrives", `{"pipeline":"github","all":true,"reason":"x","canary":5}`, 400, "canary"},
		{"another payload", "POST", "/redrives", `{"pipeline":"github","all":true,"reason":"x","payload":{}}`, 400, "payload"},
		{"a patch", "POST", "/redrives", `{"pipeline":"github","all":true,"reason":"x","patch":[]}`, 400, "patch"},
		{"an old discard without a step", "POST", "/discards", `{"pipeline":"github","older_than":"1h","reason":"x"}`, 400, "step"},
		{"a discard in two ways", "POST", "/discards", `{"pipeline":"github","step":"index","older_than":"1h","all":true,"reason":"x"}`, 400, "older_than"},
		{"a discard of the oldest none", "POST", "/discards", `{"pipeline":"github","step":"index","oldest":0,"reason":"x"}`, 400, "oldest"},
		{"a replay of a status that is none", "POST", "/replays", `{"pipeline":"github","status":"lost","reason":"x"}`, 400, "status"},
		{"a replay since no time", "POST", "/replays", `{"pipeline":"github","since":"monday","reason":"x"}`, 400, "since"},
		{"a replay until before", "POST", "/replays", `{"pipeline":"github","since":"2026-05-14T03:00:00Z","until":"2026-05-13T03:00:00Z","reason":"x"}`, 400, "until"},
		{"a state no breaker has", "POST", "/breakers/search-api", `{"state":"broken","reason":"x"}`, 400, "state"},
		{"no state", "POST", "/breakers/search-api", `{"reason":"x"}`, 400, "state"},
		{"a duration as a number", "POST", "/breakers/search-api", `{"state":"open","for":15,"reason":"x"}`, 400, "for"},
		{"a duration that is none", "POST", "/breakers/search-api", `{"state":"open","for":"soon","reason":"x"}`, 400, "for"},
		{"a negative duration", "POST", "/breakers/search-api", `{"state":"open","for":"-5m","reason":"x"}`, 400, "for"},
		{"no time at all", "POST", "/breakers/search-api", `{"state":"open","for":"0s","reason":"x"}`, 400, "for"},
		{"stuck too soon", "PUT", "/sweeps/schedule", `{"stuck_after":"10ms"}`, 400, "stuck_after"},
		{"no change of the schedule", "PUT", "/sweeps/schedule", ``, 400, "cron"},
		{"a fault without an end", "POST", "/faults", `{"pipeline":"github","step":"index","error_rate":1,"reason":"x"}`, 400, "for"},
		{"more than always", "POST", "/faults", `{"pipeline":"github","step":"index","error_rate":1.5,"for":"1m","reason":"x"}`, 400, "error_rate"},
		{"less than never", "POST", "/faults", `{"pipeline":"github","step":"index","throttle":-0.1,"for":"1m","reason":"x"}`, 400, "throttle"},
		{"a fault without a reason", "POST", "/faults", `{"pipeline":"github","step":"index","error_rate":1,"for":"1m"}`, 400, "reason"},
		{"a message to nowhere", "POST", "/rows", `{"payload":{}}`, 400, "pipeline"},
		{"a message of nothing", "POST", "/rows", `{"pipeline":"github"}`, 400, "payload"},
		{"an object as text", "POST", "/rows", `{"pipeline":"github","payload":{},"content_type":"text/plain"}`, 400, "payload"},
		{"base64 that is none", "POST", "/rows", `{"pipeline":"github","payload":"*","payload_encoding":"base64"}`, 400, "payload"},
		{"a content type that is none", "POST", "/rows", `{"pipeline":"github","payload":1,"content_type":"a b"}`, 400, "content_type"},
		{"what comes later", "POST", "/marks", ``, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, fields := call(t, &fake{}, tt.method, tt.target, tt.body)
			if w.Code != tt.status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%d %s, want %d: %s", w.Code, w.Header().Get("Content-Type"), tt.status, w.Body)
			}
			detail, _ := fields["detail"].(string)
			if got, _ := fields["field"].(string); got != tt.field || !strings.Contains(detail, tt.field) {
				t.Errorf("field %q in %q, want %q", got, detail, tt.field)
			}
			if fields["status"] != float64(tt.status) || fields["title"] == "" || detail == "" {
				t.Errorf("problem %v", fields)
			}
		})
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/json; charset=latin1": 415, "nonsense;;": 415,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/rows/r1/discard", strings.NewReader(`{"reason":"x"}`))
		if given != "" {
			r.Header.Set("Content-Type", given)
		}
		w := httptest.NewRecorder()
		serve(t, &fake{}).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d: %s", given, w.Code, want, w.Body)
		}
	}
}

func TestServiceErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[pipeline.Code]int{
		pipeline.CodeInvalid: 400, pipeline.CodeNotFound: 404, pipeline.CodeConflict: 409, pipeline.CodeUnavailable: 503,
		pipeline.CodeTooLarge: 413, pipeline.CodeUnsigned: 401, pipeline.CodeRejected: 422, "": 500,
	} {
		f := &fake{err: &pipeline.Error{Code: code, Text: "a sentence", Err: http.ErrBodyNotAllowed}}
		for _, tt := range [][3]string{{"GET", "/rows", ""}, {"GET", "/rows/r1", ""}, {"POST", "/rows/r1/replay", "{}"}, {"GET", "/overview", ""},
			{"POST", "/redrives", `{"pipeline":"p","all":true,"reason":"x"}`}, {"GET", "/redrives", ""}, {"GET", "/breakers/x", ""}, {"POST", "/sweeps", ""}, {"GET", "/audit", ""}} {
			w, fields := call(t, f, tt[0], tt[1], tt[2])
			if w.Code != want || strings.Contains(w.Body.String(), http.ErrBodyNotAllowed.Error()) {
				t.Errorf("%s %s with %q: %d %s, want %d", tt[0], tt[1], code, w.Code, w.Body, want)
			}
			if code == pipeline.CodeUnavailable && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s: no Retry-After", tt[0], tt[1])
			}
			if code != "" && fields["detail"] != "a sentence" {
				t.Errorf("%s %s: detail %v", tt[0], tt[1], fields["detail"])
			}
		}
	}
}

func TestUnknownErrorsAreNotTold(t *testing.T) {
	t.Parallel()
	w, fields := call(t, &fake{err: http.ErrLineTooLong}, "GET", "/rows", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "line too long") || fields["detail"] == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
