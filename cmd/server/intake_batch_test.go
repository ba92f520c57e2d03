package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline/signature"
)

func (p *testProgram) batch(pipeline, key string, lines ...string) answer {
	p.t.Helper()
	body := strings.Join(lines, "\n")
	return p.send(http.MethodPost, "/ingest/"+pipeline+"/batch", body, "Content-Type", "application/x-ndjson",
		"X-GitHub-Delivery", key, signature.GitHubHeader, signature.SignGitHub(secret, []byte(body)))
}

func intakeBatch(t *testing.T, p *testProgram) {
	key := newKey()
	single := decode[takenDoc](p.deliver(key+"/2", []byte(`{"line":2}`)).want(http.StatusAccepted))
	b := decode[batchDoc](p.batch("github", key, `{"line":1}`, `{"line":2}`, `{"line":`, `{"line":4}`).want(http.StatusAccepted))
	equal(t, "accepted", b.Accepted, 3)
	if len(b.Results) != 4 {
		t.Fatalf("results %+v", b.Results)
	}
	equal(t, "line 2", b.Results[1], takenDoc{ID: single.ID, Duplicate: true})
	if b.Results[2].ID != "" || b.Results[2].Error == "" {
		t.Errorf("line 3 is %+v", b.Results[2])
	}
	for _, i := range []int{0, 3} {
		equal(t, "payload", string(p.row(b.Results[i].ID).Payload), fmt.Sprintf(`{"line":%d}`, i+1))
	}
	again := decode[takenDoc](p.deliver(key+"/4", []byte(`{"line":4}`)).want(http.StatusAccepted))
	equal(t, "line 4 by its own key", again, takenDoc{ID: b.Results[3].ID, Duplicate: true})

	unsigned := p.send(http.MethodPost, "/ingest/github/batch", `{"line":1}`, "X-GitHub-Delivery", newKey())
	unsigned.refused(http.StatusUnauthorized, "X-Hub-Signature-256")
	p.batch("github", "").refused(http.StatusBadRequest, "")

	b = decode[batchDoc](p.batch("events", "", `{"event":{"id":"a1"}}`, `{"event":{"id":"a2","amount":-1}}`, `{"event":{}}`,
		`{"event":{"id":"a4"},"text":"`+strings.Repeat("x", 500)+`"}`, `{"event":{"id":"a1"}}`).want(http.StatusAccepted))
	equal(t, "accepted", b.Accepted, 2)
	for _, i := range []int{1, 2, 3} {
		if b.Results[i].Error == "" {
			t.Errorf("line %d is %+v", i+1, b.Results[i])
		}
	}
	equal(t, "line 5", b.Results[4], takenDoc{ID: b.Results[0].ID, Duplicate: true})
}

func TestLargestBatch(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("schemas/event.json", eventSchema)
	p.start(configuration([]string{step("call")}, intakes))
	line := `"` + strings.Repeat("x", 1<<18-3) + "\"\n"
	b := decode[batchDoc](p.send(http.MethodPost, "/ingest/plain/batch", strings.Repeat(line, 64)).want(http.StatusAccepted))
	equal(t, "accepted", b.Accepted, 64)
	p.send(http.MethodPost, "/ingest/plain/batch", strings.Repeat(line, 64)+"1").refused(http.StatusRequestEntityTooLarge, "16777216")
}
