package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/network"

	"redrive/pipeline/access"
	"redrive/pipeline/signature"
)

// corpus is text that would act if any page took it for anything but text. Each
// piece that could become an element carries data-pwn, so that it is found even
// where the content policy keeps it from acting.
func corpus() []string {
	const deed = `window.PWN=1`
	return []string{
		`"'><script data-pwn>` + deed + `</script>`,
		`<img data-pwn src=/pwn onerror=` + deed + `>`,
		`</script></textarea></title></pre></code><svg data-pwn onload=` + deed + `>`,
		`javascript:` + deed,
		`" autofocus onfocus=` + deed + ` data-pwn x="`,
		`' onmouseover='` + deed + `' data-pwn='`,
		`{{constructor.constructor('` + deed + `')()}}${` + deed + `}`,
		`<b data-pwn hx-get=/pwn hx-trigger=load>x</b>`,
		`<meta data-pwn http-equiv=refresh content="0;url=/pwn"><base data-pwn href=//pwn.example/>`,
		`<form data-pwn action=/pwn><button autofocus>go</button></form><iframe data-pwn src=/pwn></iframe>`,
		"\u202egnp.evil\u2028\u2029<i data-pwn>",
		"<\xc0\xbcscript data-pwn>\x01\x0b",
		strings.Repeat("unbroken", 60),
	}
}

// Every door that lets text in, and every page it may come out on.
func hostileText(t *testing.T, b *chromium) {
	h := newHouse(t, configuration(diamond(), "environment: {name: test}", "breakers: {shop: {}}", authLocal))
	h.strangers()
	planted := h.plant()
	w := b.tab(t, h.testProgram)
	w.comesIn("admin-1")
	w.look(narrow, light) // where long words do the most harm
	for _, path := range append(h.lists(), planted...) {
		w.open(path)
		w.harmless(path)
		w.fits(path)
	}
	w.look(wide, light)
	for round := range 2 { // each parameter and each text meet without a browser, below
		for _, path := range h.lists() {
			path += "?"
			for i, name := range parameters(t) {
				path += name + "=" + url.QueryEscape(corpus()[(i+6*round)%len(corpus())]) + "&"
			}
			w.openWhatever(path)
			w.harmless(path)
		}
	}
	for _, text := range []string{strings.Join(corpus(), " "), "javascript:window.PWN=1"} {
		for _, path := range append(segments(t, text), "/"+url.PathEscape(text)) {
			w.openWhatever(path)
			w.harmless(path)
		}
	}
	w.open("/audit?action=redrive.start") // it is there to be seen: who, and why
	w.sees("main", corpus()[0]+" ")
	w.flashed()
	w.open("/")
	w.fill("#q", corpus()[0])
	w.press("\r")
	w.goes("/rows?q=")
	w.harmless("the search box")
	w.forms()
	h.everyParameter()
}

// lists are the pages without an id in their address, as the router has them.
func (h *house) lists() []string {
	var paths []string
	for _, r := range routesOf(h.t) {
		if r.Method == http.MethodGet && r.Need != access.Nobody && !strings.ContainsAny(r.Pattern, "{*") && pageRoute(r.Pattern) && h.get(r.Pattern).status == http.StatusOK {
			paths = append(paths, r.Pattern)
		}
	}
	if len(paths) < 10 {
		h.t.Errorf("only the pages %q", paths)
	}
	return paths
}

// pageRoute tells pages from calls, streams and downloads.
func pageRoute(pattern string) bool {
	return !strings.HasPrefix(pattern, "/api/") && pattern != "/events" && pattern != "/metrics" && !strings.HasSuffix(pattern, "/export") &&
		!strings.HasSuffix(pattern, "/payload") && !strings.HasSuffix(pattern, "/body")
}

// segments are the pages with an id in their address, with text in its place.
func segments(t *testing.T, text string) []string {
	var paths []string
	for _, r := range routesOf(t) {
		if r.Method == http.MethodGet && strings.Contains(r.Pattern, "{") && pageRoute(r.Pattern) {
			paths = append(paths, holes.ReplaceAllString(r.Pattern, strings.ReplaceAll(url.PathEscape(text), "$", "$$")))
		}
	}
	return paths
}

var (
	holes = regexp.MustCompile(`\{[a-z]+\}`)
	reads = regexp.MustCompile(`\.(?:text|whole|decimal|percent|duration|moment|all|is|Get)\("([a-z_]+)"`)
)

// parameters are the names of all fields and parameters that any page reads.
func parameters(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../handlers/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range reads.FindAllStringSubmatch(string(text), -1) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < 25 {
		t.Errorf("pages read only %q", names)
	}
	return names
}

// strangers are users whose names nobody could choose here: those of an identity
// provider. The last of them is who the test then acts as.
func (h *house) strangers() {
	h.t.Helper()
	for _, text := range corpus() {
		if _, _, err := h.doorman.AddUser(h.actor("local", access.Admin), access.NewUser{Name: text, Password: passphrase, Role: access.Viewer}); err == nil {
			h.t.Errorf("a user of the name %q was made", text)
		}
		name := strings.ToValidUTF8(text, "")
		if _, err := h.doorman.SignInExternal(h.t.Context(), access.External{Name: name, Role: access.Admin}, access.Client{Address: "192.0.2.1", Agent: text}); err != nil {
			h.t.Fatalf("%q: %v", name, err)
		}
	}
	name := corpus()[0]
	for _, text := range corpus()[:3] {
		_, token, err := h.doorman.CreateToken(h.actor(name, access.Admin), access.NewToken{Name: text, Role: access.Admin, Reason: text})
		if err != nil {
			h.t.Fatal(err)
		}
		h.token = token
	}
}

// comesIn types name and password.
func (w *tab) comesIn(name string) {
	w.t.Helper()
	w.open("/login")
	w.fill("#name", name)
	w.fill("#password", passphrase)
	w.click("main button", "Sign in")
	w.goes("/")
	w.wait("being signed in", `location.pathname === "/"`)
}

// flashed shows pages with a flash that nobody of ours wrote.
func (w *tab) flashed() {
	w.t.Helper()
	for i, text := range corpus() {
		text = strings.ToValidUTF8(text, "")
		to := []string{"javascript:window.PWN=1", "//pwn.example", "https://pwn.example", "/\\pwn.example", "/rows"}[i%5]
		raw, _ := json.Marshal(map[string]any{"Text": text, "OK": i%2 == 0, "Action": map[string]any{"Label": text, "Href": to, "Icon": text}})
		do(w, network.SetCookie, network.SetCookieParams{Name: "redrive_flash", Value: base64.RawURLEncoding.EncodeToString(raw), URL: w.p.url + "/"})
		w.open("/faults")
		w.harmless("a flash of " + text)
		if i == 0 {
			w.sees("body", text)
		}
	}
}

// everyParameter puts every text into every parameter of every page, one at a
// time, and reads the answers as a browser does, without one.
func (h *house) everyParameter() {
	h.t.Helper()
	n, compound := 0, strings.Join(corpus()[:12], " ")
	for _, path := range h.lists() {
		for _, name := range parameters(h.t) {
			for _, text := range []string{compound, corpus()[0], corpus()[3]} {
				h.inert(path + "?" + name + "=" + url.QueryEscape(text))
				n++
			}
		}
	}
	for _, text := range corpus() {
		for _, path := range append(segments(h.t, text), "/"+url.PathEscape(text), "/login?next="+url.QueryEscape(text)) {
			h.inert(path)
			n++
		}
	}
	if n < 1000 {
		h.t.Errorf("only %d pages were read", n)
	}
}

// inert reads a page and looks for what in it would act.
func (h *house) inert(path string) {
	h.t.Helper()
	a := h.get(path)
	if a.status >= http.StatusInternalServerError {
		h.t.Errorf("%s answered %d", path, a.status)
	}
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		return
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(a.body))
	if err != nil {
		h.t.Fatal(err)
	}
	if found := doc.Find("[data-pwn], [onerror], [onload], [onfocus], [onmouseover], [hx-get], [hx-trigger], [style], style, iframe, object, embed, base, meta[http-equiv], script:not([src^='/static/'])"); found.Length() > 0 {
		text, _ := goquery.OuterHtml(found.First())
		h.t.Errorf("%s: %s", path, text)
	}
	doc.Find("[href], [action], [formaction], [src]").Each(func(_ int, el *goquery.Selection) {
		for _, name := range []string{"href", "action", "formaction", "src"} {
			if to := el.AttrOr(name, "/"); to != "" && to[0] != '#' && (to[0] != '/' || strings.HasPrefix(to, "//")) || strings.ContainsAny(to, "\\\t\r\n") {
				h.t.Errorf("%s: %s leads to %q", path, name, to)
			}
		}
	})
}

// plant sends hostile text through the intake, the downstream, and every reason
// there is; it returns the pages made by it.
func (p *testProgram) plant() []string {
	var pages []string
	all := corpus()
	p.down.on("validate", func(c seenCall) reply { return reply{status: http.StatusOK, body: string(c.body)} })
	p.down.on("notify", func(c seenCall) reply {
		return reply{status: http.StatusUnprocessableEntity, header: map[string]string{"Content-Type": "text/html"}, body: string(c.body)}
	})
	for _, text := range all {
		word := printable(text)
		a := p.send(http.MethodPost, "/ingest/github", text, "Content-Type", `text/html; x="`+strings.ReplaceAll(word, `"`, "")+`"`, "X-GitHub-Event", word,
			"X-GitHub-Delivery", newKey()+word, signature.GitHubHeader, signature.SignGitHub(secret, []byte(text))).want(http.StatusAccepted)
		pages = append(pages, "/rows/"+decode[takenDoc](a).ID)
	}
	for _, text := range []string{strings.Join(all, " "), all[3]} {
		object, _ := json.Marshal(map[string]any{text: text, "type": text, "nested": []any{map[string]any{text: text}}})
		sent := decode[takenDoc](p.post("/api/v1/rows", body{"pipeline": "github", "payload": json.RawMessage(object), "content_type": "application/json", "reason": text[:min(len(text), 1000)]}).want(http.StatusAccepted)).ID
		pages = append(pages, "/rows/"+sent)
	}
	eventually(p.t, "rows to die", func() int { return p.letters("").Total }, is(len(pages)))
	letters := p.letters("limit=500").DeadLetters
	for i, text := range all[:4] {
		op := p.redrive(body{"pipeline": "github", "ids": []string{letters[i].ID}, "reason": text})
		pages = append(pages, "/redrives/"+*op.ID, "/dead-letters?group="+url.QueryEscape(letters[i].Group))
	}
	dropped := decode[operationDoc](p.post("/api/v1/discards", body{"pipeline": "github", "ids": []string{letters[5].ID}, "reason": all[1]}).want(http.StatusAccepted))
	pages = append(pages, "/redrives/"+*dropped.ID, "/alarms/dead-letters", "/breakers/shop", "/steps/github/notify", "/rows?q="+url.QueryEscape(all[0]), "/audit?actor="+url.QueryEscape(all[0]))
	p.post("/api/v1/rows/"+letters[6].RowID+"/discard", body{"reason": all[7]}).want(http.StatusOK)
	p.post("/api/v1/rows/"+letters[6].RowID+"/restore", body{"reason": all[8]}).want(http.StatusOK)
	p.post("/api/v1/rows/"+letters[7].RowID+"/replay", body{"step": "notify", "downstream": true, "reason": all[9]}).want(http.StatusAccepted)
	p.post("/api/v1/breakers/shop", body{"state": "open", "for": "1h", "reason": all[0]}).want(http.StatusOK)
	p.post("/api/v1/steps/github/notify", body{"rate": 1000, "reason": all[1]}).want(http.StatusOK)
	p.post("/api/v1/faults", body{"pipeline": "github", "step": "archive", "latency": "1ms", "for": "1h", "reason": all[1]}).want(http.StatusCreated)
	p.json(http.MethodPut, "/api/v1/sweeps/schedule", body{"cron": "0 * * * *", "reason": all[1]}).want(http.StatusOK)
	return append(pages, "/sweeps")
}

// printable is what of a text a header may carry.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return text[:min(200, len(text))]
}

// forms fills hostile text into forms that are refused and show it again.
func (w *tab) forms() {
	w.t.Helper()
	text := corpus()[0] + corpus()[5]
	w.open("/faults")
	w.expect("/faults")
	w.fill("#fault-for", text)
	w.fill("#fault-error_rate", text)
	w.fill("#fault-reason", text)
	w.click("main button", "Start the fault")
	w.wait("the refusal", `!!document.querySelector("[aria-invalid]")`)
	w.harmless("a refused fault")
	equal(w.t, "what was typed", js[string](w, `document.querySelector("#fault-for").value`), text)
	w.open("/breakers/shop")
	w.expect("/breakers/shop")
	w.fill("#force-for", text)
	w.fill("#force-reason", text)
	w.click("input[value=open]")
	w.click("#force button")
	w.wait("the refusal", `!!document.querySelector("[aria-invalid]")`)
	w.harmless("a refused breaker")
}

// openWhatever goes to a page that may answer with an error page.
func (w *tab) openWhatever(path string) {
	w.t.Helper()
	answer := w.p.get(path)
	if answer.status >= http.StatusInternalServerError {
		w.t.Errorf("%s answered %d", path, answer.status)
	}
	w.open(path, int64(answer.status))
}

// harmless looks for what hostile text did on the page.
func (w *tab) harmless(where string) {
	w.t.Helper()
	got := js[[]string](w, `[window.PWN === undefined ? "" : "a script ran", document.querySelector("[data-pwn], [onerror], [onload], [onfocus], [onmouseover], iframe, base, meta[http-equiv]")?.outerHTML ?? "",
		[...document.querySelectorAll("[href], [action], [formaction], [src]")].map((el) => el.getAttribute("href") ?? el.getAttribute("action") ?? el.getAttribute("formaction") ?? el.getAttribute("src")).find((url) => !/^(\/|#|$)/.test(url) || url.startsWith("//")) ?? ""]`)
	if strings.Join(got, "") != "" {
		w.t.Errorf("%s: %q", where, got)
	}
	if n := w.count("/pwn"); n > 0 {
		w.t.Errorf("%s: hostile text was asked for", where)
	}
}
