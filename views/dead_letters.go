package views

import (
	"strings"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// DeadLettersProps is the page of dead letters: causes, the list, a plan.
type DeadLettersProps struct {
	Page
	Total     int64 // dead letters in all, whatever the filter
	Groups    []pipeline.Group
	Group     *pipeline.Group // the cause that is chosen
	Filter    LettersFilter
	Pipelines []Choice // empty when there is only one
	Steps     []Choice
	Letters   []pipeline.DeadLetter
	Matching  int64
	List      Listing
	Empty     Nothing
	Selected  SelectedForm
	Plan      LetterPlan
}

// LettersFilter is what the filter form holds.
type LettersFilter struct {
	Pipeline, Step, Group, Query string
	Set                          bool
	Clear                        templ.SafeURL
}

// LetterPlan is what a redrive or discard of everything that matches would do.
type LetterPlan struct {
	Scope    string // after "Redrive": "118 matching: timeout calling search-api"
	Title    string
	Fields   []Hidden // the scope, for the form
	Closed   string   // why there is no plan
	Pick     []Action // pipelines to choose first
	Known    bool     // a dry run was made
	Matched  int64
	Eligible int64
	Skipped  []pipeline.Skip
	Held     *pipeline.BreakerView // the open breaker that would hold it
	Calls    string
	Rate     string
	Takes    string
	Reason   string
	Error    string
	ErrorFor string
}

func (p DeadLettersProps) lede() string {
	if p.Total == 0 {
		return "No row is stopped at a step."
	}
	return Plural(p.Total, "row stopped at a step", "rows stopped at a step") + ", for " + Plural(len(p.Groups), "reason", "reasons") +
		". You are reading our own copy: counts, order and retention in the queues do not change."
}

func (p DeadLettersProps) several() bool { return len(p.Pipelines) > 0 }

func (p DeadLettersProps) groupHref(g pipeline.Group) templ.SafeURL {
	return WithQuery(Href(p.Base, "dead-letters"), "group", g.Group)
}

func (p DeadLettersProps) isChosen(g pipeline.Group) bool {
	return p.Group != nil && p.Group.Group == g.Group
}

// cause is the error of the chosen cause as a plan names it; empty without one.
func (p DeadLettersProps) cause() string {
	if p.Group == nil {
		return ""
	}
	return Clip(p.Group.Error, causeShown)
}

// listTitle is what the list below the causes holds.
func (p DeadLettersProps) listTitle() string {
	switch {
	case p.Group != nil:
		return p.Group.Error
	case p.Filter.Group != "":
		return "A cause that has no letters any more"
	case p.Filter.Query != "":
		return "Letters that contain “" + p.Filter.Query + "”"
	default:
		return "Letters"
	}
}

func (p DeadLettersProps) listSub() string {
	parts := []string{Count(p.Matching)}
	if p.Group != nil {
		parts = append(parts, "at "+p.Group.Step)
	} else if p.Filter.Step != "" {
		parts = append(parts, "at "+p.Filter.Step)
	}
	if p.Filter.Pipeline != "" && p.several() {
		parts = append(parts, "of "+p.Filter.Pipeline)
	}
	return strings.Join(parts, " ")
}

func groupNote(g pipeline.Group) string {
	if g.Kind == pipeline.LetterUndeliverable {
		return "could not even be tried"
	}
	return Plural(g.Count, "letter", "letters") + " since " + g.FirstAt.UTC().Format("2 Jan 15:04")
}
