package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"redrive/pipeline"
)

const sampleID = "01krj4tvm7qd8n5t6w8qzm7tab"

func TestRowTellsItsHistory(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: sampleRow(now)}})
	doc, _ := c.get(t, "/rows/"+sampleID, 200)
	wantText(t, doc.Find("#row-head"), "check_run.rerequested retrying at index", "2 steps of 4 processed.")
	wantText(t, doc.Find("#flags"), "index", "try 4, breaker open", "needs index", "not yet")
	items := doc.Find("#attempts .tl > li:not(.wait)")
	if items.Length() != 6 {
		t.Fatalf("%d lines of history", items.Length())
	}
	wantText(t, items.Eq(0), "index try 4 retrying in 0:1", "Held: search-api is open")
	wantText(t, items.Eq(2), "503", "210 ms", "no shard available")
	wantText(t, doc.Find("#attempts"), "Policy: 1 s doubling to 1 m, full jitter, so 0 to 4 s.", "Waited 1.7 s. Policy: 0 to 2 s.", "5 made, all kept")
	wantText(t, doc.Find("#payload"), `"head_sha" : "ec26c3e57ca3a959ca5aad62de7213c562f8c821"`)
	wantText(t, doc.Find("#command"), "server --config redrive.yaml run "+sampleID+" --step index --dry-run")
	wantText(t, doc.Find("main"), "c52650f0-682f-471c-846b-9810f5b6c236", "until it is finished, and at least 30 days", "row.replay: “")
	if doc.Find("#payload .k").Length() == 0 {
		t.Error("keys are not told apart")
	}
	c.get(t, "/rows/nothing-of-the-kind", 404)
}

func TestRowOffersWhatCanRun(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: sampleRow(now)}})
	doc, _ := c.get(t, "/rows/"+sampleID, 200)
	var values []string
	doc.Find(`#replay input[name=run]`).Each(func(_ int, s *goquery.Selection) { values = append(values, s.AttrOr("value", "")) })
	if got := strings.Join(values, " "); got != "next:index only:index again:validate again-next:validate again:notify again-next:notify" {
		t.Errorf("offers %s", got)
	}
	wantText(t, doc.Find("#replay label.opt").First(), "index , then archive when all it needs is processed", "a fresh budget of 5 tries", "Held until search-api closes. Next probe in 0:1")
	if doc.Find(`#replay input[checked]`).AttrOr("value", "") != "next:index" {
		t.Error("the first open step is not chosen")
	}
	doc, _ = c.get(t, "/rows/"+sampleID+"?step=notify", 200)
	if doc.Find(`#replay input[checked]`).AttrOr("value", "") != "again:notify" {
		t.Error("the asked step is not chosen")
	}
	for status, want := range map[pipeline.Status]string{pipeline.StatusDiscarded: "Restore it first", pipeline.StatusRejected: "never runs"} {
		row := sampleRow(now)
		row.Status = status
		c.rows.row = row
		doc, _ = c.get(t, "/rows/"+sampleID, 200)
		wantText(t, doc.Find("#replay"), want)
	}
}

func TestRowReplay(t *testing.T) {
	now := time.Now().UTC()
	for _, tc := range []struct {
		run, reason string
		status      int
		want        pipeline.ReplayRequest
	}{
		{"next:index", "", 303, pipeline.ReplayRequest{Step: "index", Downstream: true}},
		{"only:index", "why", 303, pipeline.ReplayRequest{Step: "index", Reason: "why"}},
		{"again:notify", "lost mail", 303, pipeline.ReplayRequest{Step: "notify", Force: true, Reason: "lost mail"}},
		{"again-next:notify", "lost mail", 303, pipeline.ReplayRequest{Step: "notify", Force: true, Downstream: true, Reason: "lost mail"}},
		{"again:notify", " ", 400, pipeline.ReplayRequest{}},
		{"sideways:notify", "x", 400, pipeline.ReplayRequest{}},
		{"", "x", 400, pipeline.ReplayRequest{}},
	} {
		c := newConsole(t, troubled(now), console{rows: &rowStub{row: sampleRow(now)}})
		doc, w := c.post(t, "/rows/"+sampleID+"/replay", url.Values{"run": {tc.run}, "reason": {tc.reason}}, tc.status)
		switch {
		case tc.status == 303 && (len(c.rows.replays) != 1 || c.rows.replays[0] != tc.want || w.Header().Get("Location") != "/rows/"+sampleID):
			t.Errorf("%s: asked %+v, leads to %s", tc.run, c.rows.replays, w.Header().Get("Location"))
		case tc.status == 400 && (len(c.rows.replays) != 0 || doc.Find("#replay-error").Length() != 1):
			t.Errorf("%s: asked %+v without a sentence", tc.run, c.rows.replays)
		}
	}
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: sampleRow(now), err: &pipeline.Error{Code: pipeline.CodeConflict, Text: "index is running already; nothing was done"}}})
	doc, _ := c.post(t, "/rows/"+sampleID+"/replay", url.Values{"run": {"only:index"}}, 409)
	wantText(t, doc.Find("#replay"), "Index is running already; nothing was done.")
	if doc.Find(`#replay input[checked]`).AttrOr("value", "") != "only:index" {
		t.Error("the choice is lost")
	}
}

func TestRowDiscardAndRestore(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: sampleRow(now)}})
	doc, _ := c.post(t, "/rows/"+sampleID+"/discard", url.Values{"reason": {""}}, 400)
	wantText(t, doc.Find("#discard"), "Say why")
	c.post(t, "/rows/"+sampleID+"/discard", url.Values{"reason": {"spam"}}, 303)
	c.post(t, "/rows/"+sampleID+"/restore", url.Values{"reason": {"no spam"}}, 303)
	if got := fmt.Sprint(c.rows.aside); got != "[discard "+sampleID+" spam restore "+sampleID+" no spam]" {
		t.Errorf("did %s", got)
	}
}

func TestRowPayloadIsAFile(t *testing.T) {
	now := time.Now().UTC()
	row := sampleRow(now)
	row.Payload = []byte{0xff, 0xfe, 0}
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: row}})
	_, w := c.post(t, "/rows/"+sampleID+"/payload", nil, 200)
	if w.Body.String() != "\xff\xfe\x00" || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", w.Body, w.Header())
	}
	doc, _ := c.get(t, "/rows/"+sampleID, 200)
	wantText(t, doc.Find("main"), "shown as base64", "//4A")
}

func TestRowEscapesWhatSendersWrite(t *testing.T) {
	now := time.Now().UTC()
	row := sampleRow(now)
	row.Label, row.Key, row.ContentType, row.Payload = hostile, hostile, hostile, []byte(`{"`+strings.ReplaceAll(hostile, `"`, `\"`)+`":"</pre><script>"}`)
	row.Attempts[0].Error, row.Results["notify"] = hostile, []byte(hostile)
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: row}})
	doc, _ := c.get(t, "/rows/"+sampleID+"?step="+url.QueryEscape(hostile), 200)
	if doc.Find("main img").Length() > 0 {
		t.Error("an image came out of a payload")
	}
	wantText(t, doc.Find("#payload"), "</pre><script>")
}

func TestTimelineTellsWhyAnAttemptWaited(t *testing.T) {
	now := time.Now().UTC()
	row := sampleRow(now)
	a := func(n int, ago time.Duration, out pipeline.AttemptOutcome) pipeline.Attempt {
		return pipeline.Attempt{Step: "index", Number: n, StartedAt: now.Add(-ago), Outcome: out, Worker: "w"}
	}
	row.Attempts = []pipeline.Attempt{
		a(6, 1*time.Second, pipeline.AttemptProcessed), a(5, 2*time.Second, pipeline.AttemptThrottled), a(4, 3*time.Second, pipeline.AttemptLost),
		a(3, 50*time.Second, pipeline.AttemptFailed), a(2, 110*time.Second, pipeline.AttemptDead), a(1, 120*time.Second, pipeline.AttemptFailed)}
	items := timeline(row, troubled(now).Pipelines[0].Steps, now)
	want := []string{"as the downstream asked", "lease ran out", "The rest it waited in the queue", "Dead for 1 m, then redriven", "0 to 1 s."}
	for i, w := range want {
		if got := items[i+1].WaitText; !strings.Contains(got, w) {
			t.Errorf("wait %d: %q is not in %q", i, w, got)
		}
	}
}
