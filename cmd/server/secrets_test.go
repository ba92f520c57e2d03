package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// canary is a secret that tests put wherever one can be: what is looked for in
// everything that the program says. As a key it has the form of one of AWS.
const (
	canary    = "Zq7Canary4X9"
	canaryKey = "AKIA" + "ZQ7CANARYX9ABCDE"
)

// told are the pieces of the canary in a text, also of one that was cut.
func told(text string) []string {
	var found []string
	for _, piece := range []string{canary[:6], canaryKey[4:12], base64.StdEncoding.EncodeToString([]byte(canary))[:8]} {
		if strings.Contains(text, piece) {
			found = append(found, piece)
		}
	}
	return found
}

// crawl reads every page and file a link leads to, from some addresses on.
func (p *testProgram) crawl(from ...string) map[string]string {
	p.t.Helper()
	most := 300
	if p.aws != nil { // where each page takes long, and is the same
		most = 70
	}
	seen := map[string]string{}
	for queue := from; len(queue) > 0 && len(seen) < most; queue = queue[1:] {
		path := queue[0]
		if _, done := seen[path]; done || strings.HasPrefix(path, "/static/") {
			continue
		}
		a := p.get(path)
		seen[path] = string(a.body) + fmt.Sprint(a.header)
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		page, err := goquery.NewDocumentFromReader(bytes.NewReader(a.body))
		if err != nil {
			p.t.Fatal(err)
		}
		page.Find("a[href]").Each(func(_ int, link *goquery.Selection) {
			if to, err := url.Parse(link.AttrOr("href", "")); err == nil && to.Host == "" && strings.HasPrefix(to.Path, "/") {
				to.Fragment = ""
				queue = append(queue, to.String())
			}
		})
	}
	return seen
}

// everything is what the program says by itself: pages, files, answers of the
// API that need no id, metrics.
func (p *testProgram) everything(more ...string) map[string]string {
	p.t.Helper()
	return p.crawl(append([]string{"/", "/rows", "/dead-letters", "/redrives", "/breakers", "/alarms", "/sweeps", "/faults", "/audit", "/steps/github/call", "/start", "/metrics", "/healthz", "/readyz",
		"/rows/export?format=json", "/rows/export?format=csv", "/dead-letters/export", "/audit/export?format=csv", "/audit/export?format=json",
		"/api/v1/overview", "/api/v1/rows", "/api/v1/dead-letters", "/api/v1/dead-letters/groups", "/api/v1/redrives", "/api/v1/breakers", "/api/v1/alarms", "/api/v1/sweeps", "/api/v1/faults", "/api/v1/audit",
		"/api/v1/openapi.json", "/api/v1/steps/github/call", "/api/v1/sweeps/schedule", "/nowhere"}, more...)...)
}

func wantNothingTold(t *testing.T, everything map[string]string) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(everything)) {
		if found := told(everything[path]); len(found) > 0 {
			at := strings.Index(everything[path], found[0])
			t.Errorf("%s tells %q: ...%s", path, found, everything[path][max(0, at-150):min(len(everything[path]), at+80)])
		}
	}
}

// secretPayload has the canary under names, in texts, in JSON in a string, in
// base64, in an address and as a key.
func secretPayload() []byte {
	inner := `{"client_secret":"` + canary + `"}`
	body, _ := json.Marshal(map[string]any{"type": "order " + canaryKey, "password": canary, "ｐａｓｓｗｏｒｄ": canary, "API-Key": []string{canary}, "deep": map[string]any{"a": []any{map[string]any{"cookie": canary}}},
		"text": "log in with password=" + canary + " now", "nested": inner, "encoded": base64.StdEncoding.EncodeToString([]byte(inner)),
		"url": "https://ada:" + canary + "@example.com/?n=1&token=" + canary, canaryKey: 1, "header": "Authorization: Bearer " + canary})
	return body
}

// What is secret in a payload or in an answer is on no page, in no file, no log
// line and no alert; the step gets it as it was sent, and a program asks for it.
func TestSecretsOfAPayloadAreToldNowhere(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	s := p.spawn(configuration([]string{step("call", "permanent: [422]"), step("keep")}, `alarms:
  - {name: many-dead, metric: dead_letters, statistic: max, threshold: 1, period: 10s, severity: page}
notify:
  - {kind: slack, url: "${DOWNSTREAM}/slack", severities: [page]}`))
	payload := secretPayload()
	answers := []string{string(payload), `{"error":` + quoted("no: "+string(payload)) + `}`, "Authorization: Bearer " + canary, "dial postgres://ada:" + canary + "@db:5432/x failed", "<password>" + canary + "</password>"}
	for n := 150; n < 220; n += 7 { // across where an error text is cut
		answers = append(answers, strings.Repeat("x", n)+" token="+canary+" and more")
	}
	p.down.on("call", func(c seenCall) reply {
		return reply{status: 422, body: answers[len(p.down.calls)%len(answers)]} // under the downstream's lock
	})
	p.down.on("keep", func(seenCall) reply { return reply{status: 200, body: string(payload)} })
	var ids []string
	for range len(answers) + 2 {
		a := p.deliver("key-password="+canary+newKey(), payload, "X-GitHub-Event", "token="+canary)
		ids = append(ids, decode[takenDoc](a.want(http.StatusAccepted)).ID)
	}
	rejected := p.deliver("another", []byte("no JSON but password="+canary))
	rejected.want(http.StatusAccepted)
	ids = append(ids, decode[takenDoc](rejected).ID)
	for _, id := range ids {
		p.becomes(id, "dead")
		eventually(t, "keep of "+id, func() string { return p.row(id).flag("keep").State }, is("processed"))
	}
	eventually(t, "the alert", func() int { return p.down.count("slack") }, atLeast(1))
	pages := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		pages = append(pages, "/rows/"+id, "/rows/"+id+"/payload")
	}
	everything := p.everything(pages...)
	for _, c := range p.down.seen("slack", "") {
		everything["slack"] += string(c.body)
	}
	everything["log"] = s.said()
	wantNothingTold(t, everything)
	for _, id := range ids {
		r := p.row(id)
		for _, a := range r.Attempts {
			if a.Error != nil && len(told(*a.Error)) > 0 {
				t.Errorf("an error text tells: %s", *a.Error)
			}
		}
	}
	if got := p.row(ids[0]).Payload; !jsonEqual(got, payload) {
		t.Errorf("the payload became %s", got)
	}
	if calls := p.down.seen("call", ids[0]); len(calls) == 0 || !bytes.Equal(calls[0].body, payload) {
		t.Error("the step did not get the payload as it was sent")
	}
	revealed := p.send(http.MethodPost, "/rows/"+ids[0], "", "Content-Type", "application/x-www-form-urlencoded", "Origin", p.url).want(http.StatusOK)
	if len(told(string(revealed.body))) == 0 {
		t.Error("a reveal shows nothing more")
	}
	file := p.send(http.MethodPost, "/rows/"+ids[0]+"/payload", "", "Content-Type", "application/x-www-form-urlencoded", "Origin", p.url).want(http.StatusOK)
	if !bytes.Equal(file.body, payload) {
		t.Errorf("the file is %s", file.body)
	}
	p.send(http.MethodPost, "/rows/"+ids[0], "", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://elsewhere.example").want(http.StatusForbidden)
	entries := string(p.get("/api/v1/audit?action=payload.reveal").body)
	if strings.Count(entries, `"payload.reveal"`) != 2 || !strings.Contains(entries, "rows/"+ids[0]) {
		t.Errorf("the audit: %s", entries)
	}
	if exports := string(p.get("/api/v1/audit?action=rows.export").body); strings.Count(exports, `"rows.export"`) < 2 {
		t.Errorf("the audit: %s", exports)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func jsonEqual(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

// What is secret in the configuration is said nowhere, neither while it runs nor
// while it is wrong.
func TestSecretsOfTheConfigurationAreToldNowhere(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	dead := "http://127.0.0.1:1"
	p.write("hook", dead+"/hook-"+canary)
	p.write("token", "Bearer "+canary)
	p.write("signature", canary+"-of-the-signature")
	config := `listen: 127.0.0.1:0
` + embedded + `
pipelines:
  github:
    intake: {signature: {scheme: github, secret_file: signature}}
    steps:
      - {name: call, http: {url: "` + dead + `/call?code=` + canary + `", headers: {X-Api-Key: "` + canary + `", Authorization: "Bearer ` + canary + `"}}, retry: {attempts: 1, base: 10ms}}
      - {name: echo, http: {url: "${DOWNSTREAM}/echo?api_key=` + canary + `", headers: {Authorization: "Bearer ` + canary + `"}}, retry: {attempts: 1, base: 10ms}}
  stripe:
    intake: {signature: {scheme: stripe, secret: "` + canary + `"}}
    steps: [{name: call, http: {url: "` + dead + `/"}}]
alarms:
  - {name: many-dead, metric: dead_letters, statistic: max, threshold: 1, period: 10s, severity: page}
notify:
  - {kind: slack, url: "` + dead + `/services/` + canary + `", severities: [page]}
  - {kind: webhook, url_file: hook, severities: [page]}
`
	p.down.on("echo", func(c seenCall) reply { return reply{status: 401, body: "we got " + fmt.Sprint(c.header)} })
	s := p.spawn(config)
	payload := []byte(`{"a":1}`)
	bad := p.send(http.MethodPost, "/ingest/github", string(payload), "X-Hub-Signature-256", "sha256=00")
	bad.want(http.StatusUnauthorized)
	ids := []string{decode[takenDoc](p.post("/api/v1/rows", body{"pipeline": "github", "payload": body{"a": 1}, "reason": "test"}).want(http.StatusAccepted)).ID}
	p.becomes(ids[0], "dead")
	eventually(t, "the alerts", func() int { return len(p.alarm("many-dead").History) }, atLeast(1))
	eventually(t, "what became of them", func() int { return len(p.alarm("many-dead").History[0].Notified) }, atLeast(2))
	everything := p.everything("/rows/"+ids[0], "/steps/github/echo", "/api/v1/steps/github/echo", "/api/v1/alarms/many-dead", "/api/v1/rows/"+ids[0])
	everything["refused"] = string(bad.body)
	everything["log"] = s.said()
	for _, line := range []string{"--check", "--healthcheck"} {
		_, everything[line] = p.command("--config", filepath.Join(p.dir, "redrive.yaml"), line)
	}
	_, everything["run"] = p.command("--config", filepath.Join(p.dir, "redrive.yaml"), "run", ids[0], "--step", "call", "--dry-run")
	wantNothingTold(t, everything)
	if !strings.Contains(everything["/steps/github/call"], "/call?") {
		t.Error("the page of a step does not say whom it calls")
	}
}

// A mistake is told without the secret in it.
func TestMistakesTellNoSecrets(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("hook", "ftp://"+canary)
	for name, section := range map[string]string{
		"a url of another scheme": `notify: [{kind: slack, url: "ftp://example.com/` + canary + `"}]`, "a url in a file": `notify: [{kind: slack, url_file: hook}]`,
		"a url of no kind": `notify: [{kind: webhook, url: "` + canary + `"}]`, "a phone": `notify: [{kind: sms, phone: "` + canary + `"}]`,
		"a list": `notify: [{kind: slack, url: ["` + canary + `"]}]`, "two": "notify: [{kind: slack, url: \"https://" + canary + "\", url_file: hook}]",
		"a header": "pipelines: {p: {steps: [{name: a, http: {url: \"http://127.0.0.1:1\", headers: {Authorization: [\"" + canary + "\"]}}}]}}", "a password in a url": "pipelines: {p: {steps: [{name: a, http: {url: \"http://ada:" + canary + "@127.0.0.1:1\"}}]}}",
		"a header of two lines": "pipelines: {p: {steps: [{name: a, http: {url: \"http://127.0.0.1:1\", headers: {Authorization: \"" + canary + "\\nx: y\"}}}]}}",
		"a signature":           "pipelines: {p: {intake: {signature: {scheme: github, secret: {a: \"" + canary + "\"}}}, steps: [{name: a, http: {url: \"http://127.0.0.1:1\"}}]}}",
		"standard webhooks":     "pipelines: {p: {intake: {signature: {scheme: standard-webhooks, secret: \"whsec_!" + canary + "\"}}, steps: [{name: a, http: {url: \"http://127.0.0.1:1\"}}]}}",
	} {
		file := p.write("bad.yaml", section+"\n")
		code, said := p.command("--config", file, "--check")
		if code != exitUnusual || len(told(said)) > 0 {
			t.Errorf("%s: exit code %d, said %s", name, code, said)
		}
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "hook")); err != nil || !regexp.MustCompile(canary).Match(text) {
		t.Errorf("the canary is not even in its file: %v", err)
	}
}
