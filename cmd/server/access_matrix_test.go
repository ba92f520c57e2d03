package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"redrive/handlers/api"
	"redrive/pipeline/access"
	"redrive/static"
	"redrive/web"
)

// The words that no answer to somebody who may not read it may have in it.
const (
	payloadCanary = "canary-in-the-payload"
	errorCanary   = "canary-in-the-error"
)

// routesOf is every route of the program: they are the same whatever it works on.
func routesOf(t *testing.T) []web.Route {
	t.Helper()
	site, err := web.New(web.Config{Assets: static.New(), API: api.New(api.Services{}, nil), Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	return site.Routes
}

// furnished is a house with something at every address that has an id in it.
type furnished struct {
	*house
	row, operation, sweepID, faultID string
	away                             bool // the store, so that nobody is known
}

func newFurnished(t *testing.T, amend ...func(*testProgram)) *furnished {
	t.Helper()
	f := &furnished{house: newHouse(t, configuration([]string{step("validate"), step("notify", "needs: [validate]", "breaker: shop"), step("archive", "needs: [notify]")},
		"breakers: {shop: {}}", "environment: {name: test}", authLocal), amend...)}
	f.down.on("notify", func(seenCall) reply { return reply{status: http.StatusUnprocessableEntity, body: errorCanary} })
	f.row = decode[takenDoc](f.deliver(newKey(), []byte(`{"text": "`+payloadCanary+`"}`)).want(http.StatusAccepted)).ID
	f.becomes(f.row, "dead")
	f.acceptOne()
	eventually(t, "letters", func() int { return f.letters("").Total }, is(2))
	f.operation = *f.redrive(body{"pipeline": "github", "q": payloadCanary + "-not", "reason": "to look at"}).ID
	f.sweepID = f.sweep(body{"dry_run": true}).ID
	f.faultID = decode[faultDoc](f.post("/api/v1/faults", body{"pipeline": "github", "step": "archive", "latency": "1ms", "for": "1h", "reason": "game day"}).want(http.StatusCreated)).ID
	return f
}

// at is a real address of a route, if there can be one.
func (f *furnished) at(pattern string) string {
	below := strings.TrimPrefix(pattern, "/api/v1")
	for prefix, id := range map[string]string{"/rows/": f.row, "/redrives/": f.operation, "/discards/": f.operation, "/replays/": f.operation, "/sweeps/": f.sweepID, "/faults/": f.faultID} {
		if strings.HasPrefix(below, prefix) {
			pattern = strings.ReplaceAll(pattern, "{id}", id)
		}
	}
	if strings.HasPrefix(below, "/breakers/") {
		pattern = strings.ReplaceAll(pattern, "{name}", "shop")
	}
	if strings.HasPrefix(below, "/alarms/") {
		pattern = strings.ReplaceAll(pattern, "{name}", "dead-letters")
	}
	return strings.NewReplacer("{pipeline}", "github", "{step}", "notify", "*", static.New().URL("icons.svg")[len("static/"):],
		"{id}", "x1", "{name}", "x1", "{n}", "0").Replace(pattern)
}

// look sends a request without a body and reads the answer, of a stream only how
// it begins.
func (f *furnished) look(c guest, method, path string) answer {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.url+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(c.headers); i += 2 {
		req.Header.Set(c.headers[i], c.headers[i+1])
	}
	res, err := f.client.Do(req)
	if err != nil {
		f.t.Fatalf("%s %s as %s: %v", method, path, c.name, err)
	}
	defer res.Body.Close()
	a := answer{t: f.t, call: method + " " + path, status: res.StatusCode, header: res.Header}
	if res.Header.Get("Content-Type") != "text/event-stream" {
		if a.body, err = io.ReadAll(res.Body); err != nil {
			f.t.Fatalf("%s %s as %s: %v", method, path, c.name, err)
		}
	}
	a.sealed(c.role != access.Nobody && !f.away)
	return a
}

// shut tells whether an answer is that of the door, and none of the content.
func (a answer) shut(c guest, r web.Route) string {
	switch {
	case strings.Contains(string(a.body), payloadCanary) || strings.Contains(string(a.body), errorCanary):
		return "it has content in it"
	case c.role == access.Nobody && a.status == http.StatusSeeOther && strings.HasPrefix(a.header.Get("Location"), "/login?"):
		return ""
	case c.role == access.Nobody && a.status == http.StatusUnauthorized:
		return ""
	case c.role != access.Nobody && a.status == http.StatusForbidden && (r.Method == http.MethodHead || strings.Contains(string(a.body), "needs the role "+string(r.Need))):
		return ""
	}
	return "it is not shut"
}

// open tells whether an answer is that of the door.
func (a answer) open() bool {
	return a.status != http.StatusUnauthorized && (a.status != http.StatusForbidden || !strings.Contains(string(a.body), "needs the role")) && !strings.HasPrefix(a.header.Get("Location"), "/login?")
}

// Every route times everybody, against the program itself.
func TestDoor(t *testing.T) {
	t.Parallel()
	f := newFurnished(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *furnished)
	}{
		{"other methods are off for everybody", otherMethodsAreOff},
		{"hosts are ours", hostsAreOurs},
		{"paths name things", pathsNameThings},
		{"paths are taken as sent", pathsAreTakenAsSent},
		{"cursors and ids are made up", madeUp},
		{"reading has no effect", readingHasNoEffect},
		{"changes from elsewhere", changesFromElsewhere},
		{"disguised changes", disguises},
		{"every route is for its role", everyRouteIsForItsRole},
	} {
		t.Run(part.name, func(t *testing.T) {
			of := *f
			house, program := *f.house, *f.testProgram
			program.t, house.testProgram, of.house = t, &program, &house
			part.run(t, &of)
		})
	}
}

// Who has less than the role a route needs is shut out of it and reads nothing,
// and nobody else is.
func everyRouteIsForItsRole(t *testing.T, f *furnished) {
	calls, shut, wrong := 0, 0, 0
	try := func(c guest, r web.Route) {
		path := f.at(r.Pattern)
		a := f.look(c, r.Method, path)
		calls++
		if !c.role.Allows(r.Need) {
			shut++
			if why := a.shut(c, r); why != "" {
				wrong++
				t.Errorf("%s %s, for %s, answered %s %d: %s", r.Method, path, r.Need, c.name, a.status, why)
			}
			return
		}
		if c.role != access.Nobody && !a.open() && r.Pattern != "/login" && r.Pattern != "/setup" {
			wrong++
			t.Errorf("%s %s, for %s, answered %s %d", r.Method, path, r.Need, c.name, a.status)
		}
		if r.Method == http.MethodGet && a.status >= http.StatusInternalServerError {
			t.Errorf("%s %s answered %s %d: %s", r.Method, path, c.name, a.status, a.body)
		}
	}
	for _, c := range f.guests {
		for _, r := range routesOf(t) {
			if r.Pattern == "/logout" {
				continue // it ends the session of whoever tries, by design
			}
			try(c, r)
			if r.Method == http.MethodGet {
				r.Method = http.MethodHead
				try(c, r)
			}
		}
	}
	if wrong > 0 || calls < 1000 || shut < 300 {
		t.Errorf("%d calls, %d of them by somebody with less than the role, %d answered wrongly", calls, shut, wrong)
	}
	t.Logf("%d calls, %d shut out", calls, shut)
}

// Methods that no route has are off, for everybody.
func otherMethodsAreOff(t *testing.T, f *furnished) {
	n := 0
	for _, c := range []guest{f.guests[0], f.as(access.Admin)} {
		for _, r := range routesOf(t) {
			for _, method := range []string{"TRACE", "OPTIONS", "PATCH", "BREW"}[n%4:][:1] { // in turn
				a := f.look(c, method, f.at(r.Pattern))
				if n++; a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" || strings.Contains(string(a.body), payloadCanary) {
					t.Errorf("%s %s as %s: %d, Allow %q", method, r.Pattern, c.name, a.status, a.header.Get("Allow"))
				}
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d calls", n)
	}
}

// deadWithin is how soon a change of somebody's role reaches other processes:
// what they know is a second old at most. The rest is for a busy machine.
const deadWithin = 5 * time.Second

// Who is demoted, disabled or signed out keeps neither pages nor an open stream.
func TestADemotionEndsSessionAndStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t, configuration([]string{step("call")}, authLocal))
	viewer, no := access.Viewer, true
	for name, end := range map[string]func(who, cookie string){
		"demoted":    func(who, _ string) { h.change(who, access.UserChange{Role: &viewer}) },
		"disabled":   func(who, _ string) { h.change(who, access.UserChange{Disabled: &no}) },
		"signed out": func(_, cookie string) { h.posts(guest{headers: []string{"Cookie", cookie}}, "/logout", nil) },
	} {
		who := strings.ReplaceAll(name, " ", "-")
		h.add(who, access.Admin)
		cookie := h.signIn(who)
		c := guest{headers: []string{"Cookie", cookie}}
		if a := h.asks(c, http.MethodGet, "/api/v1/users", ""); a.status == http.StatusForbidden || a.status == http.StatusUnauthorized {
			t.Fatalf("an admin is shut out: %d", a.status)
		}
		stream := h.stream(cookie)
		end(who, cookie)
		began := time.Now()
		stream()
		if took := time.Since(began); took > deadWithin {
			t.Errorf("%s: the stream went on for %s", name, took)
		}
		eventually(t, name, func() int { return h.asks(c, http.MethodGet, "/api/v1/users", "").status }, is(http.StatusUnauthorized))
		if took := time.Since(began); took > deadWithin {
			t.Errorf("%s: the session went on for %s", name, took)
		}
		a := h.asks(c, http.MethodGet, "/rows", "").want(http.StatusSeeOther)
		if !strings.HasPrefix(a.header.Get("Location"), "/login?") {
			t.Errorf("%s: led to %s", name, a.header.Get("Location"))
		}
	}
}

// stream opens the stream of events; what it returns waits for its end.
func (h *house) stream(cookie string) (wait func()) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/events", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Cookie", cookie)
	req.Header.Set("Accept", "text/event-stream")
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	equal(h.t, "the stream's status", res.StatusCode, http.StatusOK)
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // it is open
	return func() {
		defer res.Body.Close()
		for lines.Scan() {
		}
	}
}
