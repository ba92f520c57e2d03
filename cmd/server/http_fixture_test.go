package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"redrive/cmd/server/demo"
	"redrive/pipeline/signature"
)

// answer is what the program said to one request.
type answer struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	body   []byte
}

// send makes one request; headers are name and value in turn. A request that
// fails is an error of the test and an answer of status 0, so that any goroutine
// may send.
func (p *testProgram) send(method, path, body string, headers ...string) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return answer{t: p.t, call: method + " " + path}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	if p.token != "" && !strings.HasPrefix(path, "/ingest/") {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Error(err)
		return answer{t: p.t, call: method + " " + path}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Error(err)
	}
	return answer{t: p.t, call: method + " " + path, status: res.StatusCode, header: res.Header, body: text}
}

// get ends the test if there is no answer at all.
func (p *testProgram) get(path string) answer {
	p.t.Helper()
	a := p.send(http.MethodGet, path, "")
	if a.status == 0 {
		p.t.FailNow()
	}
	return a
}

// post sends JSON: text as it stands, anything else marshalled.
func (p *testProgram) post(path string, body any) answer {
	p.t.Helper()
	return p.json(http.MethodPost, path, body)
}

func (p *testProgram) json(method, path string, body any) answer {
	p.t.Helper()
	text, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(raw)
	}
	return p.send(method, path, text, "Content-Type", "application/json")
}

// want ends the test unless the status is this one.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answered %d, want %d: %s", a.call, a.status, status, a.body)
	}
	return a
}

// refused checks a problem: its status, that it is one, and that it names what is
// wrong.
func (a answer) refused(status int, names string) {
	a.t.Helper()
	var p struct {
		Title, Detail string
		Status        int
		RequestID     string `json:"request_id"`
	}
	switch err := json.Unmarshal(a.body, &p); {
	case a.status != status:
		a.t.Errorf("%s answered %d, want %d: %s", a.call, a.status, status, a.body)
	case a.header.Get("Content-Type") != "application/problem+json":
		a.t.Errorf("%s: a problem of type %q", a.call, a.header.Get("Content-Type"))
	case err != nil || p.Status != status || p.Title == "" || len(p.Detail) < 10 || p.RequestID == "":
		a.t.Errorf("%s: not a whole problem (%v): %s", a.call, err, a.body)
	case !strings.Contains(strings.ToLower(string(a.body)), strings.ToLower(names)):
		a.t.Errorf("%s: the problem does not name %q: %s", a.call, names, a.body)
	}
}

// decode reads JSON into a document.
func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s: %v in %s", a.call, err, a.body)
	}
	return v
}

func read[T any](p *testProgram, path string) T {
	p.t.Helper()
	return decode[T](p.get(path).want(http.StatusOK))
}

// recordings are read once: they are large, and many tests want some.
var recordings = sync.OnceValues(demo.Deliveries)

// deliveries are recorded webhooks of GitHub.
func deliveries(t *testing.T) []demo.Delivery {
	t.Helper()
	list, err := recordings()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// deliver sends a payload as GitHub does.
func (p *testProgram) deliver(key string, payload []byte, headers ...string) answer {
	p.t.Helper()
	return p.deliverTo("/ingest/github", key, payload, headers...)
}

func (p *testProgram) deliverTo(path, key string, payload []byte, headers ...string) answer {
	p.t.Helper()
	return p.send(http.MethodPost, path, string(payload), append([]string{"Content-Type", "application/json", "X-GitHub-Event", "push",
		"X-GitHub-Delivery", key, signature.GitHubHeader, signature.SignGitHub(secret, payload)}, headers...)...)
}

// accept delivers n recorded webhooks in one batch and returns the rows' ids.
func (p *testProgram) accept(n int) []string {
	p.t.Helper()
	recorded := deliveries(p.t)
	var body bytes.Buffer
	for i := range n {
		body.Write(recorded[i%len(recorded)].Payload)
		body.WriteByte('\n')
	}
	p.t.Helper()
	a := p.send(http.MethodPost, "/ingest/github/batch", body.String(), "Content-Type", "application/x-ndjson", "X-GitHub-Delivery", newKey(),
		signature.GitHubHeader, signature.SignGitHub(secret, body.Bytes())).want(http.StatusAccepted)
	var ids []string
	for _, r := range decode[batchDoc](a).Results {
		if r.ID == "" || r.Duplicate {
			p.t.Fatalf("a recorded webhook was not accepted: %+v", r)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// acceptOne delivers one and returns the row's id.
func (p *testProgram) acceptOne() string {
	p.t.Helper()
	return p.accept(1)[0]
}

func newKey() string { return fmt.Sprintf("key-%s", demo.NewSecret()) }
