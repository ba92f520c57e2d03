package handlers

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestRowsGridShowsAFlagAStep(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: sampleRows(now), Next: "c1"}}})
	doc, _ := c.get(t, "/rows", 200)
	if got := read(doc.Find("thead th")); !strings.Contains(got, "validate index breaker search-api open notify breaker mail closed archive") {
		t.Errorf("head: %s", got)
	}
	for i, want := range []string{
		"running try 1 for", "processed", "processed", "processed", "dead 5 tries: 550 mailbox", "dead 5 tries: timeout", "skipped rejected", "processed", "skipped discarded"} {
		line := doc.Find("tbody tr").Eq(i)
		if !strings.Contains(read(line), want) {
			t.Errorf("line %d: %q is not in %q", i, want, read(line))
		}
	}
	if href := doc.Find("td.cell-dead a").First().AttrOr("href", ""); href != "/rows/01krj4r8m7qd8n5t6we1jd70ab?step=notify#replay" {
		t.Errorf("a dead flag leads to %s", href)
	}
	wantText(t, doc.Find("nav.chips"), "All 128,402", "Not finished 4,493", "Dead 132", "Discarded 12")
	wantText(t, doc.Find(".pager"), "9 of 128,402 shown, newest first")
	wantText(t, doc.Find(".page-head"), "Export the newest 10,000 of 128,402 as CSV")
	wantText(t, doc.Find("#rows-list"), "retrying try 2 in 0:0", "retrying try 4, breaker open", "queued breaker open", "waiting index, notify")
}

func TestRowsOfSeveralPipelinesAreCompact(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, two(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: sampleRows(now)}}})
	doc, _ := c.get(t, "/rows", 200)
	wantText(t, doc.Find("tbody tr").Eq(5), "github", "dead", "index dead", "archive waiting")
	doc, _ = c.get(t, "/rows?pipeline=github", 200)
	if doc.Find("td.cell-dead").Length() == 0 {
		t.Error("with one pipeline chosen there is no column a step")
	}
}

func TestRowsFilterReachesTheService(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, two(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Next: "c3", Scanned: 5000}}})
	doc, _ := c.get(t, "/rows?pipeline=github&status=unfinished&step=index&state=dead&since=1h&q=boom&cursor=c2&trail=c1&what=ever", 200)
	f := c.rows.asked[0]
	if f.Pipeline != "github" || len(f.Statuses) != 3 || f.Step != "index" || f.State != "dead" || f.Query != "boom" || f.Cursor != "c2" || time.Since(f.Since).Round(time.Minute) != time.Hour {
		t.Errorf("asked for %+v", f)
	}
	wantText(t, doc.Find("#rows-list"), "Nothing found so far", "Searched 5,000 rows more.", "Go on with older rows")
	for rel, want := range map[string][2]string{"prev": {"c1", ""}, "next": {"c3", "c1,c2"}} {
		u, _ := url.Parse(doc.Find(`.pager a[rel="`+rel+`"]`).AttrOr("href", ""))
		if got := u.Query(); got.Get("cursor") != want[0] || got.Get("trail") != want[1] || got.Get("q") != "boom" || got.Get("pipeline") != "github" {
			t.Errorf("%s leads to %s", rel, u)
		}
	}
	if doc.Find(`select[name="state"] option[selected]`).Text() != "dead" || doc.Find("#f-q").AttrOr("value", "") != "boom" {
		t.Error("the form lost its values")
	}
	if strings.Contains(doc.Find("nav.chips").Text(), "128,") {
		t.Error("chips claim counts that are not of this filter")
	}
}

func TestRowsRefusesWhatCannotBeMeant(t *testing.T) {
	c := newConsole(t, troubled(time.Now()), console{})
	for query, want := range map[string]string{"status=gone": "There is no status “gone”", "state=maybe": "There is no state “maybe”", "since=yesterday": "A time like",
		"since=2026-05-14&until=2026-05-13": "not after"} {
		doc, _ := c.get(t, "/rows?"+query, 400)
		wantText(t, doc.Find("main"), want)
	}
}

func TestRowsEmpty(t *testing.T) {
	c := newConsole(t, troubled(time.Now()), console{})
	doc, _ := c.get(t, "/rows", 200)
	wantText(t, doc.Find("#rows-list"), "No rows yet", "/ingest/")
	doc, _ = c.get(t, "/rows?status=dead", 200)
	wantText(t, doc.Find("#rows-list"), "No row matches", "Show all rows")
}

func TestRowsEscapesWhatSendersWrite(t *testing.T) {
	now := time.Now().UTC()
	row := sampleRows(now)[5]
	row.Label, row.Error, row.Steps[1].LastError = hostile, hostile, hostile
	c := newConsole(t, troubled(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: []pipeline.Row{row}}}})
	doc, _ := c.get(t, "/rows?q="+url.QueryEscape(hostile)+"&pipeline="+url.QueryEscape(hostile)+"&step="+url.QueryEscape(hostile), 200)
	wantText(t, doc.Find("tbody"), "<script>alert(1)</script>")
	if doc.Find("main img").Length() > 0 {
		t.Error("an image came out of a label")
	}
}

func TestRowsDiscardSelected(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: sampleRows(now)}}})
	doc, _ := c.post(t, "/rows/discard", url.Values{"ids": {sampleRows(now)[1].ID}, "status": {"dead"}, "reason": {" "}}, 400)
	wantText(t, doc.Find(".selbar"), "Say why")
	if doc.Find("input[name=ids][checked]").Length() != 1 {
		t.Error("the ticked box is lost")
	}
	_, w := c.post(t, "/rows/discard", url.Values{"ids": {"a", "b"}, "status": {"dead"}, "reason": {"spam"}}, 303)
	if to := w.Header().Get("Location"); to != "/rows?status=dead" {
		t.Errorf("leads to %s", to)
	}
	if got := fmt.Sprint(c.rows.aside); got != "[discard a spam discard b spam]" {
		t.Errorf("did %s", got)
	}
	c.rows.err = &pipeline.Error{Code: pipeline.CodeConflict, Text: "this row is discarded already"}
	c.post(t, "/rows/discard", url.Values{"ids": {"a"}, "reason": {"spam"}}, 303)
}

func TestRowsExport(t *testing.T) {
	now := time.Now().UTC()
	rows := sampleRows(now)
	rows[0].Label, rows[1].Label = "=HYPERLINK(1)", "-1"
	c := newConsole(t, troubled(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: rows}}})
	_, w := c.get(t, "/rows/export?format=csv&status=dead", 200)
	lines, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	if err != nil || len(lines) != len(rows)+1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if lines[1][3] != "'=HYPERLINK(1)" || lines[2][3] != "'-1" || !strings.Contains(lines[6][9], "index=dead") {
		t.Errorf("lines %q %q %q", lines[1], lines[2], lines[6])
	}
	_, w = c.get(t, "/rows/export?format=json", 200)
	var got struct {
		Rows     []map[string]any
		Complete bool
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Rows) != len(rows) || !got.Complete {
		t.Errorf("%d rows, complete %v, %v", len(got.Rows), got.Complete, err)
	}
	c.rows.page.Next = "more"
	_, w = c.get(t, "/rows/export?format=json", 200)
	if n := strings.Count(w.Body.String(), `{"id":`); n != exportMost || !strings.HasSuffix(w.Body.String(), "\"complete\":false}\n") {
		t.Errorf("bounded: %d rows", n)
	}
	c.get(t, "/rows/export?format=xml", 400)
	c.rows.page = pipeline.Page[pipeline.Row]{}
	_, w = c.get(t, "/rows/export?format=json", 200)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !got.Complete {
		t.Errorf("empty: %s %v", w.Body, err)
	}
}

func TestRowsTestMessage(t *testing.T) {
	c := newConsole(t, troubled(time.Now()), console{})
	doc, _ := c.post(t, "/rows", url.Values{"pipeline": {"github"}, "payload": {"{}"}, "reason": {""}}, 400)
	wantText(t, doc.Find("#test-message"), "Say why")
	if doc.Find("#test-payload").Text() != "{}" {
		t.Error("the payload is lost")
	}
	_, w := c.post(t, "/rows", url.Values{"pipeline": {"github"}, "payload": {"{}"}, "content_type": {"application/json"}, "reason": {"try"}}, 303)
	if w.Header().Get("Location") != "/rows/01new" || len(c.rows.sent) != 1 || string(c.rows.sent[0].Payload) != "{}" {
		t.Errorf("sent %+v, leads to %s", c.rows.sent, w.Header().Get("Location"))
	}
}
