package handlers

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

func lettersConsole(t *testing.T, state pipeline.Overview, now time.Time) *console {
	return newConsole(t, state, console{letters: &letterStub{letters: sampleLetters(now), groups: sampleGroups(now), total: 118}, operations: &operationStub{op: sampleRedrive(now)}})
}

func TestDeadLettersShowCausesAndAPlan(t *testing.T) {
	now := time.Now().UTC()
	c := lettersConsole(t, troubled(now), now)
	doc, _ := c.get(t, "/dead-letters?group=g1", 200)
	wantText(t, doc.Find(".page-head"), "132 rows stopped at a step, for 3 reasons", "Export 118 matching as CSV")
	wantText(t, doc.Find("#causes tbody tr").First(), "timeout calling search-api", "index", "handler", "118", "Redrive 118 matching", "Discard 118")
	wantText(t, doc.Find("#causes"), "undeliverable")
	wantText(t, doc.Find("#plan"), "Plan for 118 matching", "held : search-api is open", "Next probe in 0:1", "Eligible 112", "Skipped, already processed 4", "Takes about 11 s at 10/s",
		"Redrive 118 matching: timeout calling search-api", "Discard 118 matching: timeout calling search-api")
	want := pipeline.Selector{Pipeline: "github", Step: "index", Group: "g1"}
	if got := c.operations.started; len(got) != 1 || !got[0].DryRun || !slices.Equal([]string{got[0].Group, got[0].Pipeline, got[0].Step}, []string{want.Group, want.Pipeline, want.Step}) {
		t.Errorf("looked with %+v", got)
	}
	if doc.Find("#letters-list form button").Length() != 2 || doc.Find(`button[formaction="/discards"]`).Length() != 2 {
		t.Error("buttons are missing")
	}
}

func TestDeadLettersPlanNeedsOneScope(t *testing.T) {
	now := time.Now().UTC()
	c := lettersConsole(t, two(now), now)
	doc, _ := c.get(t, "/dead-letters", 200)
	wantText(t, doc.Find("#plan"), "A redrive is about one pipeline.", "github", "images")
	doc, _ = c.get(t, "/dead-letters?group=g1&q=x", 200)
	wantText(t, doc.Find("#plan"), "not by both at once")
	doc, _ = c.get(t, "/dead-letters?group=unknown", 200)
	wantText(t, doc.Find("#plan"), "This cause has no letters any more.")
	if len(c.operations.started) != 0 {
		t.Errorf("planned %+v", c.operations.started)
	}
	doc, _ = c.get(t, "/dead-letters?pipeline=github&q=timeout", 200)
	wantText(t, doc.Find("#plan"), "matching: “timeout”")
	doc, _ = c.get(t, "/dead-letters?pipeline=github", 200)
	wantText(t, doc.Find("#plan"), "Redrive all 118 of github")
}

func TestDeadLettersEmpty(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{})
	doc, _ := c.get(t, "/dead-letters", 200)
	wantText(t, doc.Find("main"), "No dead letters", "A row lands here when")
	doc, _ = c.get(t, "/dead-letters?q=x", 200)
	wantText(t, doc.Find("main"), "No dead letter matches", "Nothing matches, so there is nothing to redrive.")
}

func TestDeadLettersEscapeWhatSendersWrite(t *testing.T) {
	now := time.Now().UTC()
	c := lettersConsole(t, troubled(now), now)
	c.letters.letters[0].Error, c.letters.letters[0].Label, c.letters.groups[0].Error = hostile, hostile, hostile
	doc, _ := c.get(t, "/dead-letters?group=g1&q="+url.QueryEscape(hostile), 200)
	if doc.Find("main img").Length() > 0 {
		t.Error("an image came out of an error")
	}
}

func TestDeadLettersExport(t *testing.T) {
	now := time.Now().UTC()
	c := lettersConsole(t, troubled(now), now)
	c.letters.letters[0].Error = "@SUM(1)"
	_, w := c.get(t, "/dead-letters/export?group=g1", 200)
	lines, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	if err != nil || len(lines) != 7 || lines[1][8] != "'@SUM(1)" || lines[1][4] != "github-index-dlq" {
		t.Errorf("%q %v", lines, err)
	}
	if c.letters.asked[0].Group != "g1" {
		t.Errorf("asked %+v", c.letters.asked[0])
	}
}

func TestRedriveStartsFromAForm(t *testing.T) {
	now := time.Now().UTC()
	for _, tc := range []struct {
		name, path string
		fields     url.Values
		want       pipeline.OperationRequest
	}{
		{"a cause", "/redrives", url.Values{"pipeline": {"github"}, "step": {"index"}, "group": {"g1"}, "rate": {"2.5"}},
			pipeline.OperationRequest{Kind: pipeline.OpRedrive, Rate: 2.5, Selector: pipeline.Selector{Pipeline: "github", Step: "index", Group: "g1"}}},
		{"all of a pipeline", "/discards", url.Values{"pipeline": {"github"}, "all": {"true"}},
			pipeline.OperationRequest{Kind: pipeline.OpDiscard, Selector: pipeline.Selector{Pipeline: "github", All: true}}},
		{"ticked ones, whose filter does not count", "/redrives", url.Values{"selected": {"true"}, "in_group": {"g1"}, "ids": {"la", "lb"}},
			pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{Pipeline: "github", IDs: []string{"la", "lb"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := lettersConsole(t, troubled(now), now)
			tc.fields.Set("reason", "fixed")
			tc.want.Reason = "fixed"
			_, w := c.post(t, tc.path, tc.fields, 303)
			got := c.operations.started
			if len(got) != 1 || got[0].Kind != tc.want.Kind || got[0].Rate != tc.want.Rate || got[0].Group != tc.want.Group || got[0].All != tc.want.All ||
				!slices.Equal(got[0].IDs, tc.want.IDs) || got[0].Pipeline != tc.want.Pipeline || got[0].Reason != "fixed" || got[0].DryRun {
				t.Errorf("started %+v", got)
			}
			if w.Header().Get("Location") != "/redrives/01op" {
				t.Errorf("leads to %s", w.Header().Get("Location"))
			}
		})
	}
}

func TestRedriveRefusedShowsTheListAgain(t *testing.T) {
	now := time.Now().UTC()
	c := lettersConsole(t, troubled(now), now)
	doc, _ := c.post(t, "/redrives", url.Values{"selected": {"true"}, "in_group": {"g1"}, "ids": {"lb"}, "reason": {""}}, 400)
	wantText(t, doc.Find("#letters-list .selbar"), "Say why")
	if box := doc.Find("input[name=ids][checked]"); box.Length() != 1 || box.AttrOr("value", "") != "lb" {
		t.Error("the ticked box is lost")
	}
	doc, _ = c.post(t, "/redrives", url.Values{"selected": {"true"}, "reason": {"x"}}, 400)
	wantText(t, doc.Find("main"), "Tick the letters this is about.")
	doc, _ = c.post(t, "/redrives", url.Values{"pipeline": {"github"}, "group": {"g1"}, "rate": {"fast"}, "reason": {"fixed"}}, 400)
	wantText(t, doc.Find("#plan"), "A number from 0")
	if doc.Find("#plan-rate").AttrOr("value", "") != "fast" || doc.Find("#plan-reason").Text() != "fixed" {
		t.Error("what was typed is lost")
	}
	other := sampleLetters(now)[1]
	other.ID, other.Pipeline = "lx", "images"
	c.letters.letters = append(c.letters.letters, other)
	doc, _ = c.post(t, "/redrives", url.Values{"ids": {"la", "lx"}, "reason": {"x"}}, 400)
	wantText(t, doc.Find(".selbar"), "more than one pipeline")
	doc, _ = c.post(t, "/redrives", url.Values{"ids": {"gone"}, "reason": {"x"}}, 400)
	wantText(t, doc.Find(".selbar"), "None of the ticked letters is there any more")
	c.operations.err = &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "The store does not answer."}
	c.post(t, "/redrives", url.Values{"pipeline": {"github"}, "all": {"true"}, "reason": {"x"}}, 503)
}
