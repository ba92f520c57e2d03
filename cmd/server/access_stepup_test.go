package main

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const bulkThree = "auth: {local: true, bulk: 3}"

// What cannot be undone, or is about very much, asks a person for the password
// again, and does what was planned or nothing.
func TestStepUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t, configuration([]string{step("validate"), step("notify")}, "breakers: {shop: {}}", bulkThree))
	h.down.on("notify", always(http.StatusUnprocessableEntity))
	h.accept(6)
	eventually(t, "letters", func() int { return h.letters("").Total }, is(6))
	h.down.on("notify", always(http.StatusOK))
	admin, operator := h.forgotten("admin-1"), h.forgotten("operator-1")

	fault := url.Values{"step": {"github/validate"}, "latency": {"1ms"}, "for": {"1h"}, "reason": {"game\r\nday <b>"}, "extra": {"x", "y & z", `"'<>`}, "sure": {"yes"}}
	asked := h.posts(admin, "/faults", fault).want(http.StatusForbidden)
	h.asksAgain(asked, "/faults", "trouble on purpose at validate of github", fault)
	equal(t, "faults started without the password", len(h.faults()), 0)
	again := asked.form("/faults", url.Values{"confirm_password": {"wrong"}})
	wrong := h.posts(admin, "/faults", again).want(http.StatusUnauthorized)
	h.asksAgain(wrong, "/faults", "not your password", fault)
	equal(t, "faults started with a wrong password", len(h.faults()), 0)
	again.Set("confirm_password", passphrase)
	h.posts(admin, "/faults", again).want(http.StatusSeeOther)
	equal(t, "faults started", len(h.faults()), 1)
	if e := h.audited("fault.start"); *e.Reason != "game\nday <b>" || e.Actor != "admin-1" {
		t.Errorf("started by %s for %q", e.Actor, *e.Reason)
	}

	// Five minutes long the password counts for this session, and for no other.
	h.posts(admin, "/faults", fault).want(http.StatusSeeOther)
	h.posts(h.forgotten("admin-1"), "/faults", fault).want(http.StatusForbidden)
	// A program says who it is with each call; one that takes a browser's session for a token is told.
	call := body{"pipeline": "github", "step": "validate", "latency": "1ms", "for": "1h", "reason": "by a program"}
	h.post("/api/v1/faults", call).want(http.StatusCreated)
	h.asks(h.forgotten("admin-1"), http.MethodPost, "/api/v1/faults", `{"pipeline":"github","step":"validate","latency":"1ms","for":"1h","reason":"x"}`,
		"Content-Type", "application/json").refused(http.StatusForbidden, "password was not given in the last five minutes")

	// Few rows need no password, many do: redrive, discard, replay, backlog, API.
	plan := h.asks(operator, http.MethodGet, "/dead-letters?pipeline=github", "").want(http.StatusOK)
	many := plan.form("/redrives", nil, `aria-labelledby="h-plan"`)
	many.Set("reason", "it works again")
	h.asksAgain(h.posts(operator, "/redrives", many), "/redrives", "Redrive all 6 of github: that is more than 3 rows at once", many)
	h.asksAgain(h.posts(operator, "/discards", many), "/discards", "Discard all 6 of github", many)
	window := url.Values{"pipeline": {"github"}, "since": {"2026-01-01T00:00"}, "until": {"2099-01-01T00:00"}, "reason": {"again"}}
	h.asksAgain(h.posts(operator, "/replays", window), "/replays", "Replay 6 rows of github", window)
	for path, call := range map[string]string{"/api/v1/redrives": `{"pipeline":"github","all":true,"reason":"x"}`, "/api/v1/discards": `{"pipeline":"github","all":true,"reason":"x"}`,
		"/api/v1/replays": `{"pipeline":"github","reason":"x"}`} {
		h.asks(operator, http.MethodPost, path, call, "Content-Type", "application/json").refused(http.StatusForbidden, "more than 3 rows")
	}
	var ids []string
	for _, l := range h.letters("").DeadLetters {
		ids = append(ids, l.RowID)
	}
	h.asksAgain(h.posts(operator, "/rows/discard", url.Values{"ids": ids, "reason": {"x"}}), "/rows/discard", "Discard 6 selected rows", url.Values{"ids": ids, "reason": {"x"}})
	equal(t, "operations begun without the password", len(read[struct{ Redrives []operationDoc }](h.testProgram, "/api/v1/redrives").Redrives), 0)
	letters := h.letters("").DeadLetters
	few := url.Values{"selected": {"true"}, "ids": {letters[0].ID, letters[1].ID}, "reason": {"two of them"}}
	h.posts(operator, "/redrives", few).want(http.StatusSeeOther)
	eventually(t, "letters", func() int { return h.letters("").Total }, is(4))

	// The plan was about six; four are left. Nothing is done, and the new plan is shown.
	many.Set("confirm_password", passphrase)
	changed := h.posts(operator, "/redrives", many).want(http.StatusConflict)
	if text := string(changed.body); !strings.Contains(text, "6 matched then, 4 of them now") || !strings.Contains(text, "Plan for 4 matching") {
		t.Errorf("the refusal says nothing of the plan: %s", text)
	}
	// A letter that came since is not part of what was planned.
	many = changed.form("/redrives", url.Values{"reason": {"it works again"}}, `aria-labelledby="h-plan"`)
	h.down.on("notify", always(http.StatusUnprocessableEntity))
	h.accept(1)
	eventually(t, "letters", func() int { return h.letters("").Total }, is(5))
	h.down.on("notify", always(http.StatusOK))
	// Nor can the plan of one selection start another.
	other := altered(many, "q", "github")
	other.Del("all")
	h.posts(operator, "/redrives", other).want(http.StatusConflict)
	for _, bad := range []string{"4", "4.4.x", "a.b.c.d.e", strings.Repeat("9", 400), "4.4..0.", many.Get("previewed") + "'"} {
		other := url.Values{"pipeline": {"github"}, "all": {"true"}, "reason": {"x"}, "previewed": {bad}}
		if a := h.posts(operator, "/redrives", other); a.status != http.StatusBadRequest && a.status != http.StatusConflict {
			t.Errorf("a plan %q answered %d", bad, a.status)
		}
	}
	equal(t, "letters left alone", h.letters("").Total, 5)
	h.posts(operator, "/redrives", many).want(http.StatusSeeOther)
	eventually(t, "letters", func() int { return h.letters("").Total }, is(1))
	// The same once more is about nothing that is there.
	h.posts(operator, "/redrives", many).want(http.StatusConflict)
	equal(t, "letters left", h.letters("").Total, 1)
	entries := h.entries("redrive.start")
	begun := 0 // the others are those that were refused
	for _, e := range entries {
		if e.Result == "ok" {
			begun++
		}
	}
	equal(t, "redrives begun", begun, 2)

	// Guessing the password at this form is slowed down as it is at the door.
	guess, last := h.forgotten("admin-1"), answer{}
	for range 8 {
		if last = h.posts(guess, "/faults", altered(again, "confirm_password", "guess")); last.status == http.StatusTooManyRequests {
			break
		}
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("the eighth guess was answered %d", last.status)
	}
	h.asksAgain(last, "/faults", "Too many wrong tries", fault)
	equal(t, "confirmations in the audit", len(h.entries("login.confirm")) >= 4, true)
	// Without a session the field means nothing, and breaks nothing.
	h.posts(guest{}, "/login", url.Values{"name": {"nobody"}, "confirm_password": {"x"}}).want(http.StatusUnauthorized)
	h.posts(guest{headers: []string{"Cookie", sessionCookie + "=gone"}}, "/login", url.Values{"confirm_password": {"x"}}).want(http.StatusUnauthorized)
}

// altered is a form with one field changed.
func altered(form url.Values, name, value string) url.Values {
	other := url.Values{}
	for name, values := range form {
		other[name] = slices.Clone(values)
	}
	other.Set(name, value)
	return other
}

// asksAgain checks the page that holds a form back: it says what is about to be
// done, that nothing was, and carries the form as it was sent.
func (h *house) asksAgain(a answer, path, says string, sent url.Values) {
	h.t.Helper()
	if text := html.UnescapeString(string(a.body)); !strings.Contains(text, says) || !strings.Contains(text, "Nothing was done yet") {
		h.t.Errorf("%s: %d, not the page that asks again, or without %q: %s", a.call, a.status, says, text)
		return
	}
	kept := a.form(path, nil)
	kept.Del("confirm_what")
	for name, values := range sent {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], "\r\n", "\n") // as every browser reads it, and sends it as it was
		}
		if name == "confirm_password" {
			continue
		}
		for i := range kept[name] {
			kept[name][i] = strings.ReplaceAll(kept[name][i], "\r\n", "\n")
		}
		if !slices.Equal(kept[name], values) {
			h.t.Errorf("%s: %s is %q, was %q", a.call, name, kept[name], values)
		}
		delete(kept, name)
	}
	if len(kept) != 0 {
		h.t.Errorf("%s: fields nobody sent: %v", a.call, kept)
	}
}

// entries are those of an action in the audit, the newest first.
func (p *testProgram) entries(action string) []entryDoc {
	p.t.Helper()
	return read[auditDoc](p, "/api/v1/audit?limit=500&action="+url.QueryEscape(action)).Entries
}
