package main

import (
	"strings"
	"testing"
)

// A downstream and a receiver of alarms that repeat what they were sent with give
// nothing of it away: not on a page, not in the API.
func TestNoPageShowsWhatIsSentAlong(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{`      - {name: call, http: {url: "${DOWNSTREAM}/call?sig=c4n4ry-query", headers: {Authorization: "${TOKEN}", X-Api-Key: c4n4ry-key}}}`}, `alarms:
  - {name: dead, metric: dead_letters, pipeline: github, statistic: max, threshold: 1, period: 10s, severity: page}
notify:
  - {kind: webhook, url: "${DOWNSTREAM}/c4n4ry-hook?k=c4n4ry-hook", severities: [page]}`))
	token := strings.TrimPrefix(bearer, "Bearer ")
	p.down.on("call", func(c seenCall) reply {
		return reply{status: 422, body: "no: " + c.header.Get("Authorization") + " / " + c.header.Get("X-Api-Key") + " /call?sig=c4n4ry-query"}
	})
	p.down.on("c4n4ry-hook", func(seenCall) reply { return reply{status: 500, body: "/c4n4ry-hook?k=c4n4ry-hook"} })
	id := p.acceptOne()
	p.becomes(id, "dead")
	eventually(t, "the failed notice", func() alarmDoc { return p.alarm("dead") }, func(a alarmDoc) bool {
		return len(a.History) > 0 && len(a.History[0].Notified) > 0
	})
	if c := p.down.seen("call", id); len(c) != 1 || c[0].header.Get("Authorization") != bearer || c[0].header.Get("X-Api-Key") != "c4n4ry-key" {
		t.Fatalf("the downstream saw %+v", c)
	}
	shown := 0
	for _, path := range []string{"/", "/rows", "/rows/" + id, "/dead-letters", "/steps/github/call", "/alarms", "/alarms/dead", "/audit", "/metrics",
		"/api/v1/rows/" + id, "/api/v1/dead-letters", "/api/v1/dead-letters/groups", "/api/v1/overview", "/api/v1/steps/github/call", "/api/v1/alarms/dead", "/api/v1/audit"} {
		body := string(p.get(path).body)
		shown += strings.Count(body, "[hidden]")
		for _, canary := range []string{"c4n4ry", token} {
			if i := strings.Index(body, canary); i >= 0 {
				t.Errorf("%s shows %q: ...%s", path, canary, body[max(0, i-80):i])
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows the error with its secrets hidden")
	}
}
