package web

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5/middleware"
)

// outside is what every request passes, probes and errors too, outermost first.
func (s *site) outside(next http.Handler) http.Handler {
	return chain(next, requestID, headers, s.accessLog, s.forwarded, s.hosts)
}

// routes lists every URL there is.
func (s *site) routes() error {
	sameOrigin, err := s.sameOrigin()
	if err != nil {
		return err
	}
	s.probes.Use(s.catch, middleware.GetHead)
	s.console.Use(actor, s.catch, sameOrigin, middleware.GetHead)
	s.ingest.Use(actor, s.catch)
	s.probeRoutes()
	s.ingestRoutes()
	s.apiRoutes()
	s.pageRoutes()
	return nil
}

// Beside the base path.
func (s *site) probeRoutes() {
	r := s.probes
	r.NotFound(s.notFound(r))
	r.MethodNotAllowed(s.notFound(r))
	r.Get("/healthz", s.Probes.Health)
	r.Get("/readyz", s.Probes.Ready)
	r.Get("/metrics", s.Metrics.ServeHTTP)
}

// Everything from here on lies below the base path.
func (s *site) ingestRoutes() {
	r := s.ingest
	r.NotFound(s.notFound(r))
	r.MethodNotAllowed(s.notFound(r))
	r.Post("/ingest/{pipeline}", s.Ingest.Row)
	r.Post("/ingest/{pipeline}/batch", s.Ingest.Batch)
}

func (s *site) apiRoutes() {
	a, v1 := s.API, s.API.Mount(s.console, "/api/v1")

	v1.Get("/openapi.json", v1.Document(s.base))
	v1.Get("/overview", a.GetOverview())

	v1.Get("/rows", a.ListRows())
	v1.Post("/rows", a.CreateRow())
	v1.Get("/rows/{id}", a.GetRow())
	v1.Post("/rows/{id}/replay", a.ReplayRow())
	v1.Post("/rows/{id}/discard", a.DiscardRow())
	v1.Post("/rows/{id}/restore", a.RestoreRow())

	v1.Get("/dead-letters", a.ListLetters())
	v1.Get("/dead-letters/groups", a.ListGroups())

	v1.Get("/redrives", a.ListRedrives())
	v1.Post("/redrives", a.StartRedrive())
	v1.Get("/redrives/{id}", a.GetRedrive())
	v1.Post("/redrives/{id}/cancel", a.CancelOperation())
	v1.Post("/redrives/{id}/pause", a.PauseOperation())
	v1.Post("/redrives/{id}/resume", a.ResumeOperation())

	v1.Get("/replays", a.ListReplays())
	v1.Post("/replays", a.StartReplay())
	v1.Get("/replays/{id}", a.GetReplay())
	v1.Post("/replays/{id}/cancel", a.CancelOperation())
	v1.Post("/replays/{id}/pause", a.PauseOperation())
	v1.Post("/replays/{id}/resume", a.ResumeOperation())

	v1.Get("/discards", a.ListDiscards())
	v1.Post("/discards", a.StartDiscard())
	v1.Get("/discards/{id}", a.GetDiscard())
	v1.Post("/discards/{id}/cancel", a.CancelOperation())
	v1.Post("/discards/{id}/pause", a.PauseOperation())
	v1.Post("/discards/{id}/resume", a.ResumeOperation())
	v1.Post("/discards/{id}/restore", a.RestoreDiscard())

	v1.Get("/breakers", a.ListBreakers())
	v1.Get("/breakers/{name}", a.GetBreaker())
	v1.Post("/breakers/{name}", a.ForceBreaker())

	v1.Get("/sweeps", a.ListSweeps())
	v1.Post("/sweeps", a.StartSweep())
	v1.Get("/sweeps/schedule", a.GetSchedule())
	v1.Put("/sweeps/schedule", a.SetSchedule())
	v1.Get("/sweeps/{id}", a.GetSweep())

	v1.Get("/alarms", a.ListAlarms())
	v1.Get("/alarms/{name}", a.GetAlarm())
	v1.Post("/alarms/{name}/acknowledge", a.NotYet("acknowledging alarms"))
	v1.Post("/alarms/{name}/silence", a.NotYet("silencing alarms"))
	v1.Post("/notify/{n}/test", a.NotYet("testing a notification"))

	v1.Get("/steps/{pipeline}/{step}", a.GetStep())
	v1.Post("/steps/{pipeline}/{step}", a.ChangeStep())

	v1.Get("/faults", a.ListFaults())
	v1.Post("/faults", a.StartFault())
	v1.Delete("/faults/{id}", a.EndFault())

	v1.Get("/audit", a.ListAudit())

	v1.Get("/queues", a.ListQueues())
	v1.Get("/queues/{name}", a.GetQueue())
	v1.Post("/queues/{name}/browse", a.BrowseQueue())
	v1.Post("/queues/{name}/redrive", a.RedriveQueue())
	v1.Post("/queues/{name}/purge", a.PurgeQueue())
	v1.Get("/queues/{name}/moves/{id}", a.GetQueueMove())
	v1.Post("/queues/{name}/moves/{id}/cancel", a.CancelQueueMove())
	v1.Post("/queues/{name}/moves/{id}/pause", a.PauseQueueMove())
	v1.Post("/queues/{name}/moves/{id}/resume", a.ResumeQueueMove())

	v1.Post("/marks", a.NotYet("marks"))
	v1.Get("/users", a.NotYet("users"))
	v1.Post("/users", a.NotYet("users"))
	v1.Delete("/users", a.NotYet("users"))
	v1.Get("/tokens", a.NotYet("tokens"))
	v1.Post("/tokens", a.NotYet("tokens"))
	v1.Delete("/tokens", a.NotYet("tokens"))
}

func (s *site) pageRoutes() {
	r, p, page := s.console, s.Pages, s.Pages.Shell.Page
	r.NotFound(s.notFound(r))
	r.MethodNotAllowed(s.notFound(r))

	r.Get("/static/*", s.Assets.Handler(s.missing).ServeHTTP)
	r.Get("/events", s.Live.Events)

	r.Get("/", page(p.Overview.Show))
	r.Get("/start", page(p.Start.Show))

	r.Get("/rows", page(p.Rows.List))
	r.Post("/rows", page(p.Rows.Test))
	r.Get("/rows/export", page(p.Rows.Export))
	r.Post("/rows/discard", page(p.Rows.DiscardSelected))
	r.Get("/rows/{id}", page(p.Rows.Show))
	r.Post("/rows/{id}", page(p.Rows.Reveal))
	r.Get("/rows/{id}/payload", page(p.Rows.MaskedPayload))
	r.Post("/rows/{id}/payload", page(p.Rows.Payload))
	r.Post("/rows/{id}/replay", page(p.Rows.Replay))
	r.Post("/rows/{id}/discard", page(p.Rows.Discard))
	r.Post("/rows/{id}/restore", page(p.Rows.Restore))

	r.Get("/dead-letters", page(p.DeadLetters.List))
	r.Get("/dead-letters/export", page(p.DeadLetters.Export))

	r.Get("/redrives", page(p.Redrives.List))
	r.Post("/redrives", page(p.Redrives.Start))
	r.Post("/discards", page(p.Redrives.Discard))
	r.Post("/replays", page(p.Redrives.Replay))
	r.Get("/redrives/{id}", page(p.Redrives.Show))
	r.Post("/redrives/{id}/cancel", page(p.Redrives.Cancel))
	r.Post("/redrives/{id}/pause", page(p.Redrives.Pause))
	r.Post("/redrives/{id}/resume", page(p.Redrives.Resume))
	r.Post("/redrives/{id}/restore", page(p.Redrives.Restore))

	r.Get("/breakers", page(p.Breakers.List))
	r.Get("/breakers/{name}", page(p.Breakers.Show))
	r.Post("/breakers/{name}", page(p.Breakers.Force))

	r.Get("/sweeps", page(p.Sweeps.List))
	r.Post("/sweeps", page(p.Sweeps.Run))
	r.Post("/sweeps/schedule", page(p.Sweeps.Schedule))
	r.Get("/sweeps/{id}", page(p.Sweeps.Show))

	r.Get("/alarms", page(p.Alarms.List))
	r.Get("/alarms/{name}", page(p.Alarms.Show))

	r.Get("/steps/{pipeline}/{step}", page(p.Steps.Show))
	r.Post("/steps/{pipeline}/{step}", page(p.Steps.Change))
	r.Post("/steps/{pipeline}/{step}/evict", page(p.Steps.Evict))

	r.Get("/faults", page(p.Faults.List))
	r.Post("/faults", page(p.Faults.Start))
	r.Post("/faults/{id}/end", page(p.Faults.End))

	r.Get("/queues", page(p.Queues.List))
	r.Get("/queues/{name}", page(p.Queues.Show))
	r.Post("/queues/{name}/browse", page(p.Queues.Browse))
	r.Post("/queues/{name}/redrive", page(p.Queues.Redrive))
	r.Post("/queues/{name}/purge", page(p.Queues.Purge))
	r.Get("/queues/{name}/messages/{id}", page(p.Queues.Message))
	r.Post("/queues/{name}/messages/{id}", page(p.Queues.Reveal))
	r.Post("/queues/{name}/messages/{id}/body", page(p.Queues.Body))
	r.Post("/queues/{name}/moves/{id}/cancel", page(p.Queues.Cancel))
	r.Post("/queues/{name}/moves/{id}/pause", page(p.Queues.Pause))
	r.Post("/queues/{name}/moves/{id}/resume", page(p.Queues.Resume))

	r.Get("/audit", page(p.Audit.List))
	r.Get("/audit/export", page(p.Audit.Export))
}

// sameOrigin refuses changes that another site's page asks for. Only the
// console's own public address counts as the same place besides the host asked.
func (s *site) sameOrigin() (func(http.Handler) http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	if s.public != nil {
		origin := url.URL{Scheme: s.public.Scheme, Host: s.public.Host}
		if err := guard.AddTrustedOrigin(origin.String()); err != nil {
			return nil, err
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(s.foreign))
	return guard.Handler, nil
}
