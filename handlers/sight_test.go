package handlers

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/redact"
)

// canary is a secret wherever these tests put one.
const canary = "Canary4aSecret"

// secretRow has the canary in its payload, deep and shallow, in a result and in
// its key.
func secretRow(now time.Time) pipeline.RowDetail {
	row := sampleRow(now)
	row.Payload = []byte(`{"head_sha":"ec26c3e5","password":"` + canary + `","a":{"url":"https://ada:` + canary + `@example.com"},"b":"{\"token\":\"` + canary + `\"}"}`)
	row.Key = "token=" + canary
	row.Results = map[string][]byte{"validate": []byte(`{"ok":1,"api_key":"` + canary + `"}`)}
	return row
}

func TestRowMasksUntilRevealed(t *testing.T) {
	now := time.Now().UTC()
	for _, role := range []string{"", "operator", "admin"} {
		c := newConsole(t, troubled(now), console{rows: &rowStub{row: secretRow(now)}, role: role})
		doc, w := c.get(t, "/rows/"+sampleID, 200)
		if strings.Contains(w.Body.String(), canary) {
			t.Errorf("%q: a secret on the page", role)
		}
		wantText(t, doc.Find("#payload"), "ec26c3e5", redact.Mask)
		wantText(t, doc.Find("#payload-masked"), "Reveal, and note it in the audit")
		if len(c.rows.revealed) != 0 {
			t.Errorf("%q: looking at the page is a reveal", role)
		}
		_, w = c.get(t, "/rows/"+sampleID+"/payload", 200)
		if strings.Contains(w.Body.String(), canary) || !strings.Contains(w.Body.String(), "ec26c3e5") || !strings.Contains(w.Header().Get("Content-Disposition"), "-masked.json") {
			t.Errorf("%q: the masked file: %v %s", role, w.Header(), w.Body)
		}
		doc, w = c.post(t, "/rows/"+sampleID, nil, 200)
		wantText(t, doc.Find("#payload"), canary)
		wantText(t, doc.Find("#payload-revealed"), "The audit says so.")
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q: kept by caches: %v", role, w.Header())
		}
		_, w = c.post(t, "/rows/"+sampleID+"/payload", nil, 200)
		if w.Body.String() != string(c.rows.row.Payload) {
			t.Errorf("%q: the file is %s", role, w.Body)
		}
		if got := fmt.Sprint(c.rows.revealed); got != fmt.Sprintf("[page by %s file by %s]", role, role) {
			t.Errorf("%q: revealed %s", role, got)
		}
	}
}

func TestRowWithholdsFromViewers(t *testing.T) {
	now := time.Now().UTC()
	row := secretRow(now)
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: row}, role: "viewer"})
	doc, w := c.get(t, "/rows/"+sampleID, 200)
	for _, piece := range []string{canary, "ec26c3e5", "api_key"} {
		if strings.Contains(w.Body.String(), piece) {
			t.Errorf("a viewer sees %s", piece)
		}
	}
	wantText(t, doc.Find("#payload-withheld"), "needs the role operator")
	if doc.Find(`form[action$="/payload"], #payload-masked, #payload, #h-results`).Length() != 0 {
		t.Error("a viewer is offered what is refused")
	}
	_, w = c.get(t, "/rows/"+sampleID+"/payload", 403)
	if !strings.Contains(w.Body.String(), "role operator") {
		t.Errorf("refused with %s", w.Body)
	}
}

func TestRevealRefused(t *testing.T) {
	now := time.Now().UTC()
	refuses := &pipeline.Error{Code: pipeline.CodeForbidden, Text: "seeing a payload needs the role operator"}
	c := newConsole(t, troubled(now), console{rows: &rowStub{row: secretRow(now), err: refuses}, role: "viewer"})
	for _, path := range []string{"/rows/" + sampleID, "/rows/" + sampleID + "/payload"} {
		_, w := c.post(t, path, nil, 403)
		if strings.Contains(w.Body.String(), canary) || !strings.Contains(w.Body.String(), "role operator") {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

func TestExportsAreNotedOrRefused(t *testing.T) {
	now := time.Now().UTC()
	rows := sampleRows(now)
	rows[0].Label, rows[0].Error, rows[0].Steps[0].LastError, rows[0].Steps[0].State = "token="+canary, "password: "+canary, "Bearer "+canary, pipeline.StateRetrying
	letters := []pipeline.DeadLetter{{ID: "d1", Row: "r1", Error: "401: Authorization: Bearer " + canary, Label: "secret=" + canary}}
	c := newConsole(t, troubled(now), console{rows: &rowStub{page: pipeline.Page[pipeline.Row]{Items: rows}}, letters: &letterStub{letters: letters}})
	for _, path := range []string{"/rows/export?format=csv&status=dead", "/rows/export?format=json&q=token%3D" + canary, "/dead-letters/export?group=g1"} {
		_, w := c.get(t, path, 200)
		if strings.Contains(w.Body.String(), canary) {
			t.Errorf("%s: %s", path, w.Body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), `attachment; filename="redrive-`) {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	if got := fmt.Sprint(c.exports.noted); !strings.Contains(got, "rows.export rows map[format:csv status:dead]") || !strings.Contains(got, "dead_letters.export dead-letters map[group:g1]") {
		t.Errorf("noted %s", got)
	}
	c.exports.err = &pipeline.Error{Code: pipeline.CodeForbidden, Text: "an export needs the role operator"}
	for _, path := range []string{"/rows/export", "/rows/export?format=json", "/dead-letters/export"} {
		_, w := c.get(t, path, 403)
		if w.Header().Get("Content-Disposition") != "" || !strings.Contains(w.Body.String(), "role operator") {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
}

func TestCellsAreInert(t *testing.T) {
	hostile := map[string]string{"=HYPERLINK(1)": "'=HYPERLINK(1)", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\tx": "'\tx",
		" =1": "' =1", "\n=1": "'\n=1", "\ufeff=1": "'\ufeff=1", "＝1": "'＝1", "\x00=1": "'=1", "a\x00b": "ab", "": "", "a=1": "a=1", "two\nlines": "two\nlines", `say "a", b`: `say "a", b`,
		"\xffx": "�x"}
	var out strings.Builder
	w := csv.NewWriter(&out)
	var want []string
	for cell, inertCell := range hostile {
		if err := cells(w, "id", cell, "end"); err != nil {
			t.Fatal(err)
		}
		want = append(want, inertCell)
	}
	w.Flush()
	lines, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(lines) != len(want) {
		t.Fatalf("%d lines of %d, %v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if got := strings.ReplaceAll(line[1], "\r\n", "\n"); got != want[i] || line[2] != "end" {
			t.Errorf("the cell %q, want %q", line, want[i])
		}
	}
}

func TestLabelsAreMaskedBeforeTheyAreCut(t *testing.T) {
	for n := range 2 * maxLabel {
		label := cleanLabel(strings.Repeat("x", n) + " password=" + canary + " rest")
		if i := strings.Index(label, "password="); i >= 0 && strings.Contains(label[i:], "Ca") {
			t.Fatalf("after %d characters: %s", n, label)
		}
	}
	if got := cleanLabel(strings.Repeat("y", longLabel-30) + " token=" + strings.Repeat(canary, 10)); strings.Contains(got, "Can") {
		t.Errorf("a long one: %s", got)
	}
	if got := cleanLabel("pull_request.opened"); got != "pull_request.opened" {
		t.Errorf("a plain one: %s", got)
	}
}

func TestQueueMessagesAreMasked(t *testing.T) {
	s := seenQueue(time.Now().UTC())
	for i := range s.copies.Items {
		s.copies.Items[i].Body = `{"order":"b","password":"` + canary + `"}`
		s.copies.Items[i].Attributes = []pipeline.QueueAttribute{{Name: "x-api-key", Type: "String", Value: []byte(canary)}, {Name: "tenant", Type: "String", Value: []byte("acme")}}
	}
	c := newQueueSite(t, s)
	const message = "/queues/orders-dlq/messages/1747193050123.b"
	for _, path := range []string{"/queues/orders-dlq", message} {
		_, w := c.get(t, path, 200)
		if strings.Contains(w.Body.String(), canary) || !strings.Contains(w.Body.String(), "order") {
			t.Errorf("%s: %s", path, text(w.Body.String()))
		}
	}
	doc, _ := c.post(t, message, 200)
	wantText(t, doc.Find("main"), canary, "Shown as it is stored")
	if got := fmt.Sprint(s.did); got != "[reveal orders-dlq 1747193050123.b as page]" {
		t.Errorf("did %s", got)
	}
	c.role = "viewer"
	for _, path := range []string{"/queues/orders-dlq", message} {
		_, w := c.get(t, path, 200)
		if strings.Contains(w.Body.String(), canary) || strings.Contains(w.Body.String(), "acme") || strings.Contains(w.Body.String(), "As it was sent") {
			t.Errorf("a viewer at %s: %s", path, text(w.Body.String()))
		}
	}
}
