package handlers

import (
	"context"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"redrive/pipeline"
	"redrive/views"
)

type causeStub []pipeline.Group

func (s causeStub) Groups(context.Context, string, string) ([]pipeline.Group, error) { return s, nil }

func overviewSite(t *testing.T, always views.Page, state pipeline.Overview, groups ...pipeline.Group) *site {
	t.Helper()
	s := newSite(t, always, stateStub{state}, noFaults{})
	s.route("GET /", NewOverview(stateStub{state}, causeStub(groups), s.shell.Frame).Show)
	return s
}

func TestOverviewIsCalmWhenNothingIsWrong(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := pipeline.Overview{At: now, Breakers: []pipeline.BreakerView{{State: "closed"}, {State: "closed"}},
		Pipelines: []pipeline.PipelineView{{Name: "github", Rows: map[pipeline.Status]int64{"done": 123890},
			Steps: []pipeline.StepView{{Pipeline: "github", Name: "validate"}}}}}
	doc, _ := overviewSite(t, views.Page{}, state).get(t, "/", 200)
	shows(t, doc.Find("h1"), "Nothing needs you")
	shows(t, doc.Find("#needs"), "All 2 breakers are closed, no dead letters.")
	shows(t, doc.Find("title"), "Nothing needs you")
	shows(t, doc.Find("#causes"), "None did.")
	shows(t, doc.Find("main"), "github", "1 step", "123,890")
	if n := doc.Find(".t-bad, .facts .bad, .needs").Length(); n != 0 {
		t.Errorf("%d colours of trouble on a calm page", n)
	}
	if doc.Find("#h-demo").Length() != 0 {
		t.Error("the demonstration is introduced outside of it")
	}
}

func TestOverviewSaysWhatNeedsAnOperator(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := troubled(now)
	state.Needs = []pipeline.Need{
		{Kind: pipeline.NeedBreaker, Object: "search-api", Count: 4210, Since: now.Add(-22 * time.Minute), Text: "Breaker search-api is open; 4210 rows wait safely"},
		{Kind: pipeline.NeedLetters, Object: "g1", Pipeline: "github", Step: "index", Count: 118, Text: "118 dead letters at index: timeout"},
		{Kind: pipeline.NeedAlarm, Object: "high-error-rate", Text: "Alarm high-error-rate"},
		{Kind: pipeline.NeedBehind, Object: "github/notify", Pipeline: "github", Step: "notify", Text: "Step notify is falling behind"},
		{Kind: pipeline.NeedPaused, Object: "github/notify", Pipeline: "github", Step: "notify", Text: "Step notify is paused by local"},
		{Kind: pipeline.NeedGone, Object: "github/old", Pipeline: "github", Step: "old", Text: "Step old is no longer part of github"},
		{Kind: pipeline.NeedStuck, Text: "4 rows were lost by the retry path"},
	}
	group := pipeline.Group{Group: "g1", Error: "timeout", Pipeline: "github", Step: "index", Kind: pipeline.LetterHandler, Count: 118, LastAt: now, Recent: [4]int64{0, 7, 118, 118}}
	doc, _ := overviewSite(t, views.Page{Base: "/console/"}, state, group).get(t, "/", 200)
	shows(t, doc.Find("h1"), "7 things need you")
	shows(t, doc.Find(".needs"), "4,210 rows wait safely.", "For 22 m since")
	if doc.Find(".needs .sw-open").Length() != 1 {
		t.Error("the breaker is not drawn as an open switch")
	}
	for label, href := range map[string]string{
		"Probe search-api now":      "/console/breakers/search-api#force",
		"Review 118 matching":       "/console/dead-letters?group=g1&pipeline=github&step=index",
		"Look at high-error-rate":   "/console/alarms/high-error-rate",
		"Change the rate of notify": "/console/steps/github/notify#rate",
		"Resume notify":             "/console/steps/github/notify#pause",
		"See the rows of old":       "/console/rows?pipeline=github&step=old",
		"Run a sweep":               "/console/sweeps",
		"Redrive 118 matching":      "/console/dead-letters?group=g1&pipeline=github&step=index#plan",
	} {
		link := doc.Find("a.btn").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s.Text()) == label })
		if got := link.AttrOr("href", ""); got != href {
			t.Errorf("%q leads to %q, want %q", label, got, href)
		}
	}
	shows(t, doc.Find("#causes"), "118 dead letters, 1 cause", "timeout", "handler")
	shows(t, doc.Find(".facts .bad"), "132")
}

func TestOverviewShowsWhatHappened(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := troubled(now)
	state.Recent = []pipeline.Event{
		{At: now, Kind: "breaker", Text: "search-api opened", By: "redrive", Object: "breakers/search-api", Bad: true},
		{At: now, Kind: "audit", Text: evil, By: evil, Object: "nonsense"},
	}
	doc, _ := overviewSite(t, views.Page{}, state).get(t, "/", 200)
	shows(t, doc.Find("#events li.bad"), "search-api opened", "redrive")
	if got := doc.Find("#events li.bad a").AttrOr("href", ""); got != "/breakers/search-api" {
		t.Errorf("event leads to %q", got)
	}
	shows(t, doc.Find("#events"), evil)
}

func TestOverviewEscapesEverything(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	state := pipeline.Overview{At: now, Needs: []pipeline.Need{{Kind: "new", Object: evil, Text: "Look at " + evil, More: evil}},
		Pipelines: []pipeline.PipelineView{{Name: evil, Steps: []pipeline.StepView{
			{Pipeline: evil, Name: evil, Breaker: evil, BreakerState: "open", ChangedBy: evil, ChangedWhy: evil, Settings: pipeline.StepSettings{Paused: true}},
			{Pipeline: evil, Name: "gone " + evil, Gone: true, Counts: pipeline.StepCounts{Queued: 3}}}}}}
	group := pipeline.Group{Group: evil, Error: evil, Pipeline: evil, Step: evil, Kind: pipeline.LetterUndeliverable, Count: 1}
	doc, _ := overviewSite(t, views.Page{Demo: true}, state, group).get(t, "/", 200)
	shows(t, doc.Find("main"), evil, "No longer configured:", "3 queued", "undeliverable")
	if n := doc.Find("main img").Length(); n != 0 {
		t.Errorf("%d images that nobody put there", n)
	}
}

func TestOverviewWithoutPipelinesLeadsOn(t *testing.T) {
	t.Parallel()
	doc, _ := overviewSite(t, views.Page{}, pipeline.Overview{}).get(t, "/", 200)
	shows(t, doc.Find("main"), "No pipeline is configured")
	if got := doc.Find(".empty a.btn").AttrOr("href", ""); got != "/start" {
		t.Errorf("leads to %q", got)
	}
}

func TestOverviewIntroducesTheDemonstration(t *testing.T) {
	t.Parallel()
	doc, _ := overviewSite(t, views.Page{Demo: true}, troubled(time.Now())).get(t, "/", 200)
	shows(t, doc.Find("main"), "What to try here", "Redrive with a click", "Force a breaker half-open", "Run a sweep")
	if got := doc.Find(`main a[href="/breakers/search-api"]`).Length(); got == 0 {
		t.Error("no way to the breaker")
	}
}

func TestOverviewSendsATestMessageOfEachPipeline(t *testing.T) {
	t.Parallel()
	doc, _ := overviewSite(t, views.Page{}, two(time.Now())).get(t, "/", 200)
	forms := doc.Find(`form[method=post][action="/rows"]`)
	if forms.Length() != 2 {
		t.Fatalf("%d forms, want 2", forms.Length())
	}
	for i, name := range []string{"github", "images"} {
		form := forms.Eq(i)
		if got := form.Find("[name=pipeline]").AttrOr("value", ""); got != name {
			t.Errorf("form %d sends to %q", i, got)
		}
		if form.Find("textarea[name=payload][required], input[name=reason][required]").Length() != 2 {
			t.Errorf("form %d asks for no payload or reason", i)
		}
		id := form.Parent().AttrOr("id", "")
		if doc.Find(`button[popovertarget="`+id+`"]`).Length() != 1 {
			t.Errorf("nothing opens %q", id)
		}
	}
}

func TestOverviewWithoutItsStoreIsAnErrorPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, brokenState{}, noFaults{})
	s.route("GET /", NewOverview(brokenState{}, brokenState{}, s.shell.Frame).Show)
	doc, w := s.get(t, "/", 503)
	shows(t, doc.Find("h1"), "The store does not answer")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if got := doc.Find(".empty a.btn").First().AttrOr("href", ""); got != "/" {
		t.Errorf("try again leads to %q", got)
	}
}
