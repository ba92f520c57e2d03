package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/redact"
)

func as(ctx context.Context, role string) context.Context {
	return pipeline.WithActor(ctx, pipeline.Actor{Name: "ann", Role: role, From: "192.0.2.1"})
}

var forbidden = &pipeline.Error{Code: pipeline.CodeForbidden}

func TestRevealIsWrittenBeforeItIsSeen(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		id := w.submit(1)[0]
		for _, role := range []string{"viewer", "stranger"} {
			if d, err := w.engine.Rows.Reveal(as(t.Context(), role), id, "page"); !errors.Is(err, forbidden) || d.Payload != nil || !strings.Contains(err.Error(), "role operator") {
				t.Errorf("%s: %v, %s", role, err, d.Payload)
			}
			if err := w.engine.Audit.Export(as(t.Context(), role), "rows.export", "rows", nil); !errors.Is(err, forbidden) || !strings.Contains(err.Error(), "role operator") {
				t.Errorf("%s exports: %v", role, err)
			}
		}
		for _, role := range []string{"", "operator", "admin"} {
			if d, err := w.engine.Rows.Reveal(as(t.Context(), role), id, "page"); err != nil || len(d.Payload) == 0 {
				t.Errorf("%q: %v, %s", role, err, d.Payload)
			}
		}
		if err := w.engine.Audit.Export(as(t.Context(), "operator"), "rows.export", "rows", map[string]string{"status": "dead", "q": "token=hunter2", "step": ""}); err != nil {
			t.Error(err)
		}
		if _, err := w.engine.Rows.Reveal(t.Context(), "nothing", "page"); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("a row that is not there: %v", err)
		}
		entries := must(w.engine.Audit.List(t.Context(), pipeline.AuditFilter{Actor: "ann"}))(t).Items
		if len(entries) != 4 {
			t.Fatalf("%d entries", len(entries))
		}
		if e := entries[0]; e.Action != "rows.export" || e.Object != "rows" || e.From != "192.0.2.1" || string(e.Detail) != `{"q":"token=`+redact.Mask+`","status":"dead"}` {
			t.Errorf("the export: %+v %s", e, e.Detail)
		}
		if e := entries[3]; e.Action != "payload.reveal" || e.Object != "rows/"+id || string(e.Detail) != `{"as":"page"}` || e.Result != "ok" {
			t.Errorf("the reveal: %+v %s", e, e.Detail)
		}
	})
}

// A store that does not take the entry shows nothing.
func TestNothingIsRevealedUnwritten(t *testing.T) {
	away := errors.New("away")
	newWorld(t, func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			b.Audit = silentAudit{b.Audit, away}
			return b
		}
		return diamond(w)
	}, func(t *testing.T, w *world) {
		id := w.submit(1)[0]
		if _, err := w.engine.Rows.Reveal(t.Context(), id, "page"); !errors.Is(err, away) {
			t.Errorf("revealed: %v", err)
		}
		if err := w.engine.Audit.Export(t.Context(), "rows.export", "rows", nil); !errors.Is(err, away) {
			t.Errorf("exported: %v", err)
		}
	})
}

type silentAudit struct {
	pipeline.AuditLog
	err error
}

func (a silentAudit) Append(context.Context, ...pipeline.Entry) error { return a.err }

// A search is no way to guess what is withheld.
func TestViewersDoNotSearchPayloads(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		done := must(w.engine.Intake.Submit(t.Context(), "p", pipeline.Message{Payload: []byte(`{"password":"hunter2"}`), Label: "order.created"}))(t)
		for role, want := range map[string]int{"": 1, "operator": 1, "admin": 1, "viewer": 0} {
			found := must(w.engine.Rows.List(as(t.Context(), role), pipeline.RowFilter{Query: "hunter2"}))(t)
			if len(found.Items) != want {
				t.Errorf("%q finds %d rows, want %d", role, len(found.Items), want)
			}
		}
		for _, q := range []string{"order.created", done.ID} {
			if found := must(w.engine.Rows.List(as(t.Context(), "viewer"), pipeline.RowFilter{Query: q}))(t); len(found.Items) != 1 {
				t.Errorf("a viewer finds %d rows by %s", len(found.Items), q)
			}
		}
	})
}

func TestListsRefuseWhatNobodyAsks(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		long, just := strings.Repeat("x", 257), strings.Repeat("(a+)+$", 42)
		for _, q := range []string{long, just} {
			_, rows := w.engine.Rows.List(t.Context(), pipeline.RowFilter{Query: q})
			_, _, letters := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Query: q})
			_, started := w.engine.Operations.Start(t.Context(), pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Pipeline: "p", Query: q}, DryRun: true})
			for what, err := range map[string]error{"rows": rows, "letters": letters, "a redrive": started} {
				if refused := errors.Is(err, pipeline.ErrInvalid) && strings.Contains(fmt.Sprint(err), "256 bytes"); refused != (q == long) {
					t.Errorf("%s by %d bytes: %v", what, len(q), err)
				}
			}
		}
		for _, cursor := range []string{"nonsense", "../x", strings.Repeat("z", 27), "%", "' or 1=1", pipeline.NewID()[1:]} {
			_, operations := w.engine.Operations.List(t.Context(), "", cursor, 10)
			_, sweeps := w.engine.Sweeps.List(t.Context(), cursor, 10)
			_, rows := w.engine.Rows.List(t.Context(), pipeline.RowFilter{Cursor: cursor})
			_, _, letters := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{Cursor: cursor})
			for what, err := range map[string]error{"operations": operations, "sweeps": sweeps, "rows": rows, "letters": letters} {
				if !errors.Is(err, pipeline.ErrInvalid) {
					t.Errorf("%s from %q: %v", what, cursor, err)
				}
			}
		}
		if _, err := w.engine.Operations.List(t.Context(), "", pipeline.NewID(), 10); err != nil {
			t.Errorf("a cursor of the right form: %v", err)
		}
	})
}

// What a downstream says in an error is masked in the attempt, the flag, the
// letter, its group and the log of a panic; the payload reaches the step as it is.
func TestErrorTextsAreMasked(t *testing.T) {
	const canary = "Canary4aSecret"
	newWorld(t, diamond, func(t *testing.T, w *world) {
		w.answer(func(c pipeline.Call) pipeline.Answer {
			switch c.Step {
			case "index":
				return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 401, Error: "401: bad token=" + canary + " and Bearer " + canary}
			case "notify":
				panic("password=" + canary)
			}
			return ok(c)
		})
		done := must(w.engine.Intake.Submit(t.Context(), "p", pipeline.Message{Payload: []byte(`{"password":"` + canary + `"}`)}))(t)
		w.pass(time.Minute)
		row := must(w.engine.Rows.Get(t.Context(), done.ID))(t)
		page, _, err := w.engine.Letters.List(t.Context(), pipeline.LetterFilter{})
		groups := must(w.engine.Letters.Groups(t.Context(), "", ""))(t)
		letters := page.Items
		if err != nil || len(letters) != 2 || len(groups) != 2 {
			t.Fatalf("%d letters, %d groups, %v", len(letters), len(groups), err)
		}
		if all := fmt.Sprintf("%+v %+v %+v %+v", row.Row, row.Attempts, letters, groups); strings.Contains(all, "Canary") || !strings.Contains(all, redact.Mask) {
			t.Errorf("kept: %s", all)
		}
		for _, c := range w.made(at("index")) {
			if string(c.Payload) != `{"password":"`+canary+`"}` {
				t.Errorf("index got %s", c.Payload)
			}
		}
	})
}

func TestSeenLeavesTheRowAsItIs(t *testing.T) {
	payload, result := []byte(`{"pin":"1234"}`), []byte(`{"pin":"1234"}`)
	cut := []byte(strings.Repeat("x", 245) + " ghp_abcdefgh")[:256]
	d := pipeline.RowDetail{Key: "token=x1", Payload: payload, Results: map[string][]byte{"a": result, "cut": cut}}
	seen, masked := d.Seen(pipeline.Masked)
	if !masked || string(seen.Payload) != `{"pin":"`+redact.Mask+`"}` || string(seen.Results["a"]) != `{"pin":"`+redact.Mask+`"}` || strings.Contains(string(seen.Results["cut"]), "ghp_") || seen.Key != "token="+redact.Mask {
		t.Errorf("masked: %v %s %s %s", masked, seen.Payload, seen.Results, seen.Key)
	}
	if seen, masked = d.Seen(pipeline.Withheld); masked || seen.Payload != nil || len(seen.Results) != 0 {
		t.Errorf("withheld: %+v", seen)
	}
	if seen, _ = d.Seen(pipeline.Stored); string(seen.Payload) != string(payload) || seen.Key != "token=x1" {
		t.Errorf("stored: %+v", seen)
	}
	if string(d.Payload) != `{"pin":"1234"}` || string(d.Results["a"]) != `{"pin":"1234"}` {
		t.Errorf("the row became %s %s", d.Payload, d.Results)
	}
}
