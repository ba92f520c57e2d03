package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Within half a minute the demonstration has something true to show on every page.
// It is the one test that waits for real time to pass.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	c := &cli{Listen: "127.0.0.1:0", Data: t.TempDir()}
	var greeting strings.Builder
	program, code := c.program(terminal{out: &greeting, err: t.Output(), env: p.env})
	if code != exitFine {
		t.Fatalf("exit code %d", code)
	}
	program.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	at := make(chan net.Addr, 1)
	program.listen = func(a net.Addr) { at <- a }
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- program.run(ctx) }()
	p.stop = func() error {
		p.stop = nil
		cancel()
		return <-done
	}
	select {
	case a := <-at:
		p.url = "http://" + a.String()
	case err := <-done:
		t.Fatal(err)
	}
	began := time.Now()
	shown := p.whatTheDemonstrationShows
	eventually(t, "everything to be there", shown, func(missing string) bool { return missing == "" })
	t.Logf("everything was there after %s", time.Since(began))
	for _, path := range []string{"/", "/rows", "/dead-letters", "/redrives", "/breakers", "/alarms", "/sweeps", "/faults", "/audit"} {
		equal(t, path, p.get(path).status, http.StatusOK)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(greeting.String(), p.url) {
		t.Errorf("greeting %q", greeting.String())
	}
}

// whatTheDemonstrationShows names what is still missing.
func (p *testProgram) whatTheDemonstrationShows() string {
	var missing []string
	want := func(what string, there bool) {
		if !there {
			missing = append(missing, what)
		}
	}
	want("rows done", p.rows("done") > 0)
	retried, tripped, rang, swept := 0, 0, 0, 0
	for _, r := range read[rowsDoc](p, "/api/v1/rows?limit=500").Rows {
		for _, f := range r.Steps {
			retried += max(0, f.Attempts-1)
		}
	}
	for _, b := range read[struct{ Breakers []breakerDoc }](p, "/api/v1/breakers").Breakers {
		for _, change := range p.breaker(b.Name).History {
			if change.To == "open" && change.By == "redrive" {
				tripped++
			}
		}
	}
	for _, a := range read[struct{ Alarms []alarmDoc }](p, "/api/v1/alarms").Alarms {
		if a.State == "alarm" {
			rang++
		}
	}
	for _, s := range read[struct{ Sweeps []sweepDoc }](p, "/api/v1/sweeps").Sweeps {
		if s.State == "done" {
			swept++
		}
	}
	want("retries", retried > 0)
	want("a breaker that tripped", tripped > 0)
	want("dead letters", p.letters("").Total > 0)
	want("an alarm", rang > 0)
	want("a sweep", swept > 0)
	return strings.Join(missing, ", ")
}
