package handlers

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

// auditPages is an audit of two pages.
type auditPages struct {
	entries []pipeline.Entry
	asked   []pipeline.AuditFilter
	failAt  string // cursor at which the store goes away
	check   pipeline.AuditCheck
}

func (s *auditPages) Verify(context.Context) (pipeline.AuditCheck, error) { return s.check, nil }

func (s *auditPages) List(_ context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error) {
	s.asked = append(s.asked, f)
	if s.failAt != "" && f.Cursor == s.failAt {
		return pipeline.Page[pipeline.Entry]{}, errStoreAway
	}
	if f.Cursor == "" && len(s.entries) > 1 {
		return pipeline.Page[pipeline.Entry]{Items: s.entries[:1], Next: "two"}, nil
	}
	return pipeline.Page[pipeline.Entry]{Items: s.entries[min(1, len(s.entries)):]}, nil
}

func auditSite(t *testing.T, stub *auditPages) *site {
	t.Helper()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	h := NewAudit(stub, s.shell.Frame)
	s.route("GET /audit", h.List)
	s.route("GET /audit/export", h.Export)
	return s
}

func sampleAudit() []pipeline.Entry {
	at := time.Date(2026, 5, 14, 3, 14, 2, 0, time.UTC)
	return []pipeline.Entry{
		{ID: "e1", At: at, Actor: "m.okafor", Role: "operator", From: "127.0.0.1", Action: "step.change", Object: "steps/github/notify", Reason: evil, Result: "ok",
			Detail: json.RawMessage(`{"before":{"rate":10,"paused":false},"after":{"rate":5,"paused":false},"asked":"twice"}`),
			Link:   pipeline.Link{Number: 7, Hash: "c0ffee"}},
		{ID: "e2", At: at.Add(-24 * time.Hour), Actor: "redrive", Action: "sweep.run", Object: "sweeps/01k", Reason: "=cmd()", Result: "the store does not answer", Detail: json.RawMessage(`{"stuck":3}`)},
	}
}

func TestAuditSaysWhoDidWhatAndWhy(t *testing.T) {
	t.Parallel()
	stub := &auditPages{entries: sampleAudit()}
	doc, _ := auditSite(t, stub).get(t, "/audit?unknown=1", 200)
	shows(t, doc.Find("main"), "Thursday 14 May 2026", "03:14:02", "m.okafor", "step.change", evil, "Set back")
	shows(t, doc.Find("main"), "operator", "from 127.0.0.1", `"asked": "twice"`, "Entry 7:c0ffee")
	shows(t, doc.Find("dl"), "rate", "before: 10", "after: 5", "paused", "false")
	shows(t, doc.Find("del"), "10")
	shows(t, doc.Find("ins"), "5")
	if n := doc.Find("del, ins").Length(); n != 2 {
		t.Errorf("%d fields are shown as changed", n)
	}
	if got := doc.Find("table a.cell").AttrOr("href", ""); got != "/steps/github/notify" {
		t.Errorf("object leads to %q", got)
	}
	if got := doc.Find(`a[rel=next]`).AttrOr("href", ""); got != "/audit?cursor=two" {
		t.Errorf("older leads to %q", got)
	}
	doc, _ = auditSite(t, stub).get(t, "/audit?cursor=two", 200)
	shows(t, doc.Find("main"), "Wednesday 13 May 2026", "sweep.run", "the store does not answer", `"stuck": 3`)
	if got := doc.Find(`a[rel=prev]`).AttrOr("href", ""); got != "/audit" {
		t.Errorf("newer leads to %q", got)
	}
}

func TestAuditFilter(t *testing.T) {
	t.Parallel()
	stub := &auditPages{}
	doc, _ := auditSite(t, stub).get(t, "/audit?actor=local&action=redrive.&object=rows/1&since=2026-05-14T00:00&until=2026-05-15", 200)
	want := pipeline.AuditFilter{Actor: "local", Action: "redrive.", Object: "rows/1", Limit: auditPage,
		Since: time.Date(2026, 5, 14, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 5, 15, 0, 0, 0, 0, time.UTC)}
	if len(stub.asked) != 1 || stub.asked[0] != want {
		t.Errorf("asked %+v, want %+v", stub.asked, want)
	}
	shows(t, doc.Find("main"), "No entry matches", "Export all matching as CSV")
	if got := doc.Find("#audit-action").AttrOr("value", ""); got != "redrive." {
		t.Errorf("action %q", got)
	}

	stub = &auditPages{}
	doc, _ = auditSite(t, stub).get(t, "/audit?since=yesterday&actor="+strings.Repeat("x", 9), 400)
	shows(t, doc.Find("main"), "The filter cannot be read", "A time like")
	if doc.Find("#audit-since[aria-invalid]").Length() != 1 || len(stub.asked) != 0 {
		t.Error("the field is not marked, or the audit was asked")
	}

	doc, _ = auditSite(t, &auditPages{}).get(t, "/audit", 200)
	shows(t, doc.Find("main"), "Nothing was changed yet")
}

func TestAuditIsVerifiedOnItsPage(t *testing.T) {
	t.Parallel()
	stub := &auditPages{entries: sampleAudit()}
	doc, _ := auditSite(t, stub).get(t, "/audit", 200)
	if got := doc.Find(`a:contains("Verify")`).AttrOr("href", ""); got != "/audit?verify=1" {
		t.Errorf("verify leads to %q", got)
	}
	if doc.Find("main .note-box").Length() != 0 {
		t.Error("verified without being asked")
	}
	at := time.Date(2026, 5, 14, 3, 14, 2, 0, time.UTC)
	for _, c := range []struct {
		check pipeline.AuditCheck
		want  []string
	}{
		{pipeline.AuditCheck{At: at, Entries: 1234, Chains: 1, Head: pipeline.Link{Number: 1234, Hash: "c0ffee"}}, []string{"Chain intact", "1,234 entries", "Head", "1234:c0ffee"}},
		{pipeline.AuditCheck{At: at, Entries: 9, Before: 2, Chains: 3}, []string{"9 entries in 3 chains", "2 entries are from before"}},
		{pipeline.AuditCheck{At: at, Entries: 100000, Partial: true}, []string{"Intact as far as", "audit verify"}},
		{pipeline.AuditCheck{At: at, Bad: &pipeline.AuditBreak{Number: 5, ID: evil, At: at, What: "was changed: it does not match its hash"}},
			[]string{"not as it was written", "Entry 5", evil, "2026-05-14T03:14:02Z", "was changed"}},
	} {
		stub.check = c.check
		doc, _ := auditSite(t, stub).get(t, "/audit?verify=1&actor=ada", 200)
		shows(t, doc.Find("main .note-box"), c.want...)
	}
}

func TestAuditExportsAllPages(t *testing.T) {
	t.Parallel()
	s := auditSite(t, &auditPages{entries: sampleAudit()})
	_, w := s.get(t, "/audit/export?format=csv", 200)
	lines, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if got := strings.Join(lines[0], " "); got != "at actor from action object reason result detail role id chain number hash" {
		t.Errorf("columns %q", got)
	}
	if got := lines[1][8:]; !slices.Equal(got, []string{"operator", "e1", "", "7", "c0ffee"}) {
		t.Errorf("columns of the chain %q", got)
	}
	if lines[1][5] != evil || lines[2][5] != "'=cmd()" || lines[2][0] != "2026-05-13T03:14:02Z" {
		t.Errorf("lines %q", lines)
	}
	if got := w.Header().Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="redrive-audit-`) {
		t.Errorf("Content-Disposition %q", got)
	}

	_, w = s.get(t, "/audit/export?format=json", 200)
	var out struct {
		Entries []struct {
			Actor  string
			Detail json.RawMessage
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || len(out.Entries) != 2 || out.Entries[1].Actor != "redrive" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestAuditExportRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := auditSite(t, &auditPages{entries: sampleAudit()})
	for target, want := range map[string]string{"/audit/export?format=xml": "csv or json", "/audit/export?until=x": "A time like"} {
		doc, _ := s.get(t, target, 400)
		shows(t, doc.Find("main"), want)
	}
}

func TestAuditExportThatFailsHalfwayIsNoWholeFile(t *testing.T) {
	t.Parallel()
	s := auditSite(t, &auditPages{entries: sampleAudit(), failAt: "two"})
	defer func() {
		if recover() == nil {
			t.Error("half a file passed for a whole one")
		}
	}()
	s.get(t, "/audit/export", 200)
}
