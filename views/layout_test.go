package views

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"redrive/static"
)

func samplePage() Page {
	now := time.Date(2026, 5, 14, 3, 24, 10, 0, time.UTC)
	return Page{
		Title: "2 things need you", Section: SectionRows, Base: "/ops/", Assets: static.New(),
		Env: Environment{Name: "production", Colour: "red"}, Demo: true,
		Tallies: Tallies{DeadLetters: 1132, BreakersOpen: 1},
		Faults:  []Banner{{Tone: Hold, Strong: "A fault is on:", Text: `<script>alert("x")</script>`, Action: &Action{Label: "End it now", Href: "/ops/faults/1", Post: true}}},
		Flash:   &Flash{OK: true, Text: "Discarded 2 rows."},
		Actor:   "local", Version: "1.0.0", Now: now, ReadAt: now, Back: "/ops/rows",
	}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func layoutWith(p Page, body string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		content := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			if _, err := io.WriteString(w, body); err != nil {
				return err
			}
			return Line(LineProps{Label: "github", Start: &LineStep{Name: "intake"}, End: &LineStep{Name: "done"}, Steps: steps("a b<a c<a d<b,c")}).Render(ctx, w)
		})
		return Layout(p).Render(templ.WithChildren(ctx, content), w)
	})
}

func TestLayout(t *testing.T) {
	html := render(t, layoutWith(samplePage(), "<h1>Rows</h1>"))
	for name, want := range map[string]string{
		"the title":                      "<title>2 things need you · Redrive · production</title>",
		"the content":                    "<h1>Rows</h1>",
		"the current page":               `href="/ops/rows" aria-current="page"`,
		"a tally that is exact":          "1,132",
		"untrusted text is escaped":      "&lt;script&gt;",
		"a form for what changes":        `<form method="post" action="/ops/faults/1">`,
		"where Escape leads":             `data-back="/ops/rows"`,
		"the search stays under base":    `action="/ops/rows"`,
		"a way past the navigation":      `<a class="skip" href="#main">`,
		"the badge":                      "env env-red",
		"the demonstration is said":      "Demonstration.",
		"icons come from the one sprite": `href="/ops/static/icons.`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s: %q is missing", name, want)
		}
	}
}

func TestLayoutKeepsTheContentPolicy(t *testing.T) {
	html := render(t, layoutWith(samplePage(), ""))
	for name, forbidden := range map[string]*regexp.Regexp{
		"an inline style":  regexp.MustCompile(`<style|\sstyle=`),
		"an inline script": regexp.MustCompile(`<script(>|\s[^>]*[^"]>[^<])`),
		"an event handler": regexp.MustCompile(`<[^>]*\son[a-z]+=`),
		"a base":           regexp.MustCompile(`<base\b`),
		"a foreign URL":    regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`),
	} {
		if found := forbidden.FindString(html); found != "" {
			t.Errorf("the page has %s: %s", name, found)
		}
	}
}

func TestLayoutLoadsOnlyWhatIsServed(t *testing.T) {
	html := render(t, layoutWith(samplePage(), ""))
	if strings.Contains(html, "static/unknown/") {
		t.Error("the page asks for a file that is not embedded")
	}
}
