package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var traceForm = regexp.MustCompile(`^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

// Every recorded webhook passes the whole diamond: each step is called exactly
// once a row, in order, with the payload as it came.
func TestFanOutAndJoin(t *testing.T) {
	t.Parallel()
	p := launch(t, diamond()...)
	p.down.on("index", func(seenCall) reply { return reply{status: http.StatusOK, body: `{"found":[1,2]}`} })
	p.down.on("notify", func(seenCall) reply { return reply{status: http.StatusNoContent} })
	recorded := deliveries(t)
	rows := map[string][]byte{}
	for i, d := range recorded {
		taken := decode[takenDoc](p.deliver(fmt.Sprintf("%s-%d", d.ID, i), d.Payload).want(http.StatusAccepted))
		rows[taken.ID] = d.Payload
	}
	equal(t, "rows", len(rows), len(recorded))
	eventually(t, "rows done", func() int { return p.rows("done") }, is(len(recorded)))
	for id, payload := range rows {
		for _, name := range []string{"validate", "index", "notify", "archive"} {
			calls := p.down.seen(name, id)
			if len(calls) != 1 {
				t.Fatalf("%d calls of %s for row %s", len(calls), name, id)
			}
			checkCall(t, calls[0], id, payload)
		}
		checkOrder(t, p, id)
	}
	for _, name := range []string{"validate", "index", "notify", "archive"} {
		equal(t, "calls of "+name, p.down.count(name), len(recorded))
		s := p.step(name)
		equal(t, name+" processed_total", s.ProcessedTotal, len(recorded))
		equal(t, name+" not processed", s.Waiting+s.Queued+s.Running+s.Retrying+s.Dead+s.FailedTotal, 0)
	}
	var id string
	for id = range rows {
		break
	}
	checkDoneRow(t, p.row(id))
}

func checkCall(t *testing.T, c seenCall, row string, payload []byte) {
	t.Helper()
	for name, want := range map[string]string{"Idempotency-Key": row + "/" + c.step, "Redrive-Row": row, "Redrive-Pipeline": "github", "Redrive-Step": c.step,
		"Redrive-Attempt": "1", "Content-Type": "application/json", "Authorization": bearer} {
		if got := c.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s of %s is %q, want %q", name, c.step, got, want)
		}
	}
	equal(t, "Content-Length", c.length, int64(len(payload)))
	if !bytes.Equal(c.body, payload) {
		t.Errorf("%s was sent another payload than row %s came with", c.step, row)
	}
	if !traceForm.MatchString(c.header.Get("Traceparent")) {
		t.Errorf("traceparent %q", c.header.Get("Traceparent"))
	}
}

func checkOrder(t *testing.T, p *testProgram, row string) {
	t.Helper()
	at := func(name string) seenCall { return p.down.seen(name, row)[0] }
	for _, pair := range [][2]string{{"validate", "index"}, {"validate", "notify"}, {"index", "archive"}, {"notify", "archive"}} {
		if at(pair[1]).at.Before(at(pair[0]).at) {
			t.Errorf("row %s: %s was called before %s", row, pair[1], pair[0])
		}
	}
	trace := traceForm.FindStringSubmatch(at("validate").header.Get("Traceparent"))
	if other := traceForm.FindStringSubmatch(at("archive").header.Get("Traceparent")); trace == nil || other == nil || trace[1] != other[1] {
		t.Errorf("the steps of row %s are not of one trace: %v and %v", row, trace, other)
	}
}

func checkDoneRow(t *testing.T, row rowDoc) {
	t.Helper()
	equal(t, "attempts", len(row.Attempts), 4)
	for _, a := range row.Attempts {
		if a.Number != 1 || a.Outcome != "processed" || a.Error != nil || a.StatusCode == nil || *a.StatusCode/100 != 2 || a.Worker == "" || a.StartedAt.IsZero() {
			t.Errorf("attempt %+v", a)
		}
	}
	names := []string{}
	for _, f := range row.Steps {
		names = append(names, f.Name)
		if f.State != "processed" || f.Attempts != 1 || f.ProcessedAt == nil || f.NextAttemptAt != nil || f.LastError != nil {
			t.Errorf("step %+v", f)
		}
	}
	equal(t, "steps", strings.Join(names, " "), "validate index notify archive")
	equal(t, "result of index", string(row.flag("index").Result), `{"found":[1,2]}`)
	equal(t, "result of notify", string(row.flag("notify").Result), "null")
}

func TestTraceGoesOn(t *testing.T) {
	t.Parallel()
	p := launch(t, step("validate"))
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	taken := decode[takenDoc](p.deliver(newKey(), []byte(`{}`), "traceparent", "00-"+trace+"-00f067aa0ba902b7-01").want(http.StatusAccepted))
	p.becomes(taken.ID, "done")
	got := traceForm.FindStringSubmatch(p.down.seen("validate", taken.ID)[0].header.Get("Traceparent"))
	if got == nil || got[1] != trace {
		t.Errorf("the trace became %v", got)
	}
}

// Of an answer, 32 kB are kept.
func TestResultIsCut(t *testing.T) {
	t.Parallel()
	p := launch(t, step("small", "keep_result: true"), step("large", "keep_result: true"))
	p.down.on("small", func(seenCall) reply { return reply{status: 200, body: `"` + strings.Repeat("s", 32<<10-2) + `"`} })
	p.down.on("large", func(seenCall) reply { return reply{status: 201, body: strings.Repeat("x", 40<<10)} })
	row := p.becomes(p.acceptOne(), "done")
	equal(t, "small", len(row.flag("small").Result), 32<<10)
	equal(t, "small's encoding", row.flag("small").ResultEncoding, "")
	large := row.flag("large")
	equal(t, "large's encoding", large.ResultEncoding, "base64")
	var text string
	if err := json.Unmarshal(large.Result, &text); err != nil {
		t.Fatal(err)
	}
	kept, err := base64.StdEncoding.DecodeString(text)
	equal(t, "large", string(kept), strings.Repeat("x", 32<<10))
	equal(t, "decoding", err, nil)
}

func TestRowsAreListed(t *testing.T) {
	t.Parallel()
	p := launch(t, step("validate"), step("index", "needs: [validate]"))
	p.down.on("index", byAttempt(422))
	var ids []string
	for range 7 {
		ids = append(ids, p.acceptOne())
	}
	p.allBecome(ids, "dead")
	var seen []string
	for path := "/api/v1/rows?limit=3"; ; {
		page := read[rowsDoc](p, path)
		for _, r := range page.Rows {
			seen = append(seen, r.ID)
			if r.Payload != nil || r.Attempts != nil || len(r.Steps) != 2 {
				t.Errorf("a listed row has %+v", r)
			}
		}
		if page.NextCursor == nil {
			break
		}
		path = "/api/v1/rows?limit=3&cursor=" + *page.NextCursor
	}
	slices.Reverse(seen)
	equal(t, "rows, the newest first", strings.Join(seen, " "), strings.Join(ids, " "))
	count := func(query string) int { return len(read[rowsDoc](p, "/api/v1/rows?"+query).Rows) }
	for query, want := range map[string]int{"status=dead": 7, "status=done": 0, "step=validate&state=processed": 7, "step=index&state=dead": 7, "step=index&state=queued": 0,
		"pipeline=github": 7, "q=" + ids[2]: 1, "q=no-such-text": 0, "since=2100-01-01T00:00:00Z": 0, "until=2100-01-01T00:00:00Z": 7, "until=2000-01-01T00:00:00Z": 0} {
		equal(t, query, count(query), want)
	}
}
