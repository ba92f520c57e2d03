package handlers

import (
	"testing"

	"redrive/views"
)

func TestStartShowsCommandsForThisConsole(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{Base: "/console/"}, stateStub{}, noFaults{})
	s.route("GET /start", NewStart(s.shell.Frame, "").Show)
	s.route("GET /public", NewStart(s.shell.Frame, "https://redrive.example.com/console/").Show)
	doc, _ := s.get(t, "http://127.0.0.1:9090/start", 200)
	shows(t, doc.Find("main"), "server init > redrive.yaml", "--check", "http://127.0.0.1:9090/console/ingest/github", "X-Hub-Signature-256", "Idempotency-Key")
	doc, _ = s.get(t, "/public", 200)
	shows(t, doc.Find("#cmd-send"), "https://redrive.example.com/console/ingest/github")
}
