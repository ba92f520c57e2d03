package views

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"redrive/static"
)

// Page is what every page's frame needs. Handlers fill it in one place.
type Page struct {
	Title       string         // of the document, without the program's name
	Section     Section        // the current entry of the navigation
	Base        string         // base path of the console; begins and ends with "/"
	Assets      *static.Assets // where the style sheets and scripts lie
	Env         Environment    // the badge on every page
	Queues      bool           // there are queues that are not ours to look into
	Demo        bool           // the demonstration runs: say so on every page
	Tallies     Tallies        // numbers beside entries of the navigation
	Faults      []Banner       // faults on purpose that are active now
	Notices     []Banner       // store problems and the like
	Flash       *Flash         // what the last form did
	Actor, Role string         // who looks, and as what; role empty without auth
	SignedIn    bool           // there is a session to end
	Stranger    bool           // nobody is signed in and somebody should be: the page shows nothing of what is inside
	Query       string         // what the search box holds
	Back        templ.SafeURL  // where Escape leads; empty: nowhere
	Version     string         // of the program
	Durability  string         // what a 202 survives, for the foot
	Now         time.Time      // when the page was made
	ReadAt      time.Time      // when its numbers were read; zero: not said
}

// Environment is the badge: grey, red, orange, yellow, green, blue or purple.
type Environment struct{ Name, Colour string }

// Tallies are shown only when they are not zero.
type Tallies struct{ DeadLetters, BreakersOpen, Alarms int64 }

// Tone says what a thing means; only trouble has a colour.
type Tone string

// The tones. Plain is grey.
const (
	Plain Tone = ""
	Live  Tone = "live"
	Fault Tone = "fault"
	Warn  Tone = "warn"
	Hold  Tone = "hold"
)

// Banner is a line across the page. Strong is its first words; Detail a second line.
type Banner struct {
	Tone                 Tone
	Icon                 string
	Strong, Text, Detail string
	Action               *Action
}

// Action is a link or, with Post, a form of one button.
type Action struct {
	Label  string
	Href   templ.SafeURL
	Post   bool
	Fields []Hidden
}

// Hidden is a hidden field of a form.
type Hidden struct{ Name, Value string }

// Flash tells what a form did, after POST and redirect.
type Flash struct {
	OK     bool
	Text   string
	Action *Action // the way back: "Undo"
}

type pageKey struct{}

// WithPage gives the parts what they need of the frame: icons their sprite, links
// their base. Layout does it for whole pages; a handler that renders a fragment
// alone does it itself.
func WithPage(ctx context.Context, p Page) context.Context {
	return context.WithValue(ctx, pageKey{}, p)
}

func pageOf(ctx context.Context) Page {
	p, _ := ctx.Value(pageKey{}).(Page)
	if p.Base == "" {
		p.Base = "/"
	}
	return p
}

// asset is the URL of a static file as seen by the browser.
func (p Page) asset(name string) string {
	if p.Assets == nil {
		return p.Base + "static/" + name
	}
	return p.Base + p.Assets.URL(name)
}

func (p Page) documentTitle() string {
	title := p.Title
	if title != "" {
		title += " · "
	}
	title += "Redrive"
	if p.Env.Name != "" {
		title += " · " + p.Env.Name
	}
	return title
}

func (e Environment) class() string {
	switch e.Colour {
	case "red", "orange", "yellow", "green", "blue", "purple":
		return "env env-" + e.Colour
	default:
		return "env env-grey"
	}
}

// styles and scripts in the order the browser reads them.
func styles() []string {
	return []string{"css/tokens.css", "css/console.css", "css/line.css", "css/charts.css"}
}

func scripts() []string {
	return []string{"js/htmx.min.js", "js/idiomorph-ext.min.js", "js/console.js", "js/times.js", "js/select.js", "js/live.js", "js/keys.js"}
}

// htmxConfig keeps htmx inside the content policy: nothing evaluated, no style
// element added, no request to another origin, no page kept in local storage.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true,"scrollBehavior":"instant"}`
