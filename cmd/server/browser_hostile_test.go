package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

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
	p := newProgram(t)
	p.start(configuration(diamond(), "environment: {name: test}", "breakers: {shop: {}}"))
	w := b.tab(t, p)
	pages := []string{"/", "/rows", "/rows?pipeline=github", "/dead-letters", "/redrives", "/breakers", "/breakers/shop", "/faults", "/audit", "/steps/github/notify"}
	pages = append(pages, p.plant()...)
	w.look(narrow, light) // where long words do the most harm
	for _, path := range pages {
		w.open(path)
		w.harmless(path)
		w.fits(path)
	}
	w.look(wide, light)
	for round := range 4 {
		for _, path := range []string{"/rows", "/dead-letters", "/redrives", "/audit", "/sweeps", "/faults", "/alarms"} {
			path += "?"
			for i, name := range []string{"q", "pipeline", "step", "status", "state", "group", "since", "actor", "action", "object", "cursor", "trail"} {
				path += name + "=" + url.QueryEscape(corpus()[(i+3*round)%len(corpus())]) + "&"
			}
			w.openWhatever(path)
			w.harmless(path)
		}
	}
	for _, text := range []string{strings.Join(corpus(), " "), "javascript:window.PWN=1"} {
		for _, path := range []string{"/rows/", "/redrives/", "/breakers/", "/alarms/", "/sweeps/", "/steps/github/", "/steps/", "/"} {
			w.openWhatever(path + url.PathEscape(text))
			w.harmless(path + url.PathEscape(text))
		}
	}
	w.open("/")
	w.fill("#q", corpus()[0])
	w.press("\r")
	w.goes("/rows?q=")
	w.harmless("the search box")
	w.forms()
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
