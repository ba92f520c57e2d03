package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for _, id := range []string{"no-such-id", strings.Repeat("0", 26), strings.Repeat("x", 65), "%00", "..%2F..%2Fetc", "%F0%9F%90%99", "1;drop", "'"} {
		for _, path := range []string{"/api/v1/rows/", "/api/v1/redrives/", "/api/v1/sweeps/", "/api/v1/breakers/", "/api/v1/alarms/"} {
			p.get(path+id).refused(http.StatusNotFound, "")
		}
		for _, path := range []string{"/api/v1/rows/ID/replay", "/api/v1/rows/ID/discard", "/api/v1/rows/ID/restore", "/api/v1/redrives/ID/cancel",
			"/api/v1/redrives/ID/pause", "/api/v1/redrives/ID/resume", "/api/v1/discards/ID/restore"} {
			p.post(strings.Replace(path, "ID", id, 1), body{"reason": "r"}).refused(http.StatusNotFound, "")
		}
		p.post("/api/v1/breakers/"+id, body{"state": "open", "reason": "r"}).refused(http.StatusNotFound, "")
		p.post("/api/v1/steps/github/"+id, body{"paused": true}).refused(http.StatusNotFound, "")
		p.send(http.MethodDelete, "/api/v1/faults/"+id, "").refused(http.StatusNotFound, "")
	}
	p.get("/api/v1/nothing").refused(http.StatusNotFound, "")
	p.get("/api/v2/overview").refused(http.StatusNotFound, "")
	equal(t, "a page that is none", p.get("/nothing").status, http.StatusNotFound)
}

func TestUnknownQueryParameters(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for _, path := range []string{"overview", "rows", "dead-letters", "dead-letters/groups", "redrives", "breakers", "sweeps", "sweeps/schedule", "alarms", "faults", "audit"} {
		p.get("/api/v1/"+path+"?colour=blue").refused(http.StatusBadRequest, "colour")
	}
	for query, names := range map[string]string{"rows?limit=0": "limit", "rows?limit=501": "limit", "rows?limit=ten": "limit", "rows?limit=-1": "limit", "rows?limit=1.5": "limit",
		"rows?status=fine": "status", "rows?state=fine": "state", "rows?since=yesterday": "since", "rows?until=2026-13-01T00:00:00Z": "until",
		"rows?limit=1&limit=2": "limit", "rows?cursor=made-up": "cursor", "dead-letters?limit=9999": "limit", "dead-letters?cursor=%21": "cursor",
		"audit?since=now": "since", "audit?limit=x": "limit", "redrives?limit=0": "limit", "sweeps?limit=0": "limit", "rows?q=%ff": "q"} {
		p.get("/api/v1/"+query).refused(http.StatusBadRequest, names)
	}
	for _, query := range []string{"rows?limit=500", "rows?limit=1", "dead-letters?limit=500", "audit?limit=500", "rows?q=%25_%2A%5B", "rows?since=2026-01-01T00:00:00%2B02:00"} {
		p.get("/api/v1/" + query).want(http.StatusOK)
	}
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for _, path := range []string{"/api/v1/rows", "/api/v1/redrives", "/api/v1/replays", "/api/v1/discards", "/api/v1/sweeps", "/api/v1/faults", "/api/v1/steps/github/call"} {
		p.post(path, `{"a":`).refused(http.StatusBadRequest, "JSON")
		p.post(path, `{"colour":1}`).refused(http.StatusBadRequest, "colour")
		p.post(path, strings.Repeat("[", 100_000)).refused(http.StatusBadRequest, "")
		p.send(http.MethodPost, path, `{}`, "Content-Type", "text/plain").refused(http.StatusUnsupportedMediaType, "json")
		p.send(http.MethodPost, path, `{}`, "Content-Type", "application/json", "Origin", "https://elsewhere.example").refused(http.StatusForbidden, "")
		p.send(http.MethodPost, path, `{}`, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site").refused(http.StatusForbidden, "")
	}
	p.post("/api/v1/redrives", `{"reason":"`+strings.Repeat("x", 2<<20)+`"}`).refused(http.StatusRequestEntityTooLarge, "")
	for path, allow := range map[string]string{"/api/v1/overview": "GET", "/api/v1/rows": "GET", "/ingest/github": "POST", "/api/v1/breakers/x": "POST"} {
		a := p.send(http.MethodPatch, path, "")
		a.refused(http.StatusMethodNotAllowed, "")
		if !strings.Contains(a.header.Get("Allow"), allow) {
			t.Errorf("Allow of %s is %q", path, a.header.Get("Allow"))
		}
	}
}

// Every page answers, under the policy that lets no foreign script in.
func TestPagesAnswer(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration(append(diamond(), step("guarded", "breaker: shop")), "breakers: {shop: {}}"))
	p.down.on("archive", failing(422, "<script>alert('%s')</script>"))
	letter := p.die(1)[0]
	o := p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "<b>again</b>"}), "done")
	s := p.sweep(body{})
	for _, path := range []string{"/", "/rows", "/rows/" + letter.RowID, "/steps/github/archive", "/dead-letters", "/redrives", "/redrives/" + *o.ID, "/breakers", "/breakers/shop",
		"/alarms", "/alarms/dead-letters", "/sweeps", "/sweeps/" + s.ID, "/faults", "/audit"} {
		a := p.get(path)
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s answered %d as %s", path, a.status, a.header.Get("Content-Type"))
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("policy of %s: %s", path, policy)
		}
		for _, raw := range []string{"<script>alert", "<b>again", " style=", "<style", "javascript:"} {
			if strings.Contains(string(a.body), raw) {
				t.Errorf("%s has %s in it", path, raw)
			}
		}
	}
	for _, path := range []string{"/rows/none", "/redrives/none", "/breakers/none", "/sweeps/none", "/alarms/none", "/steps/github/none"} {
		equal(t, path, p.get(path).status, http.StatusNotFound)
	}
}
