package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"redrive/handlers"
	"redrive/pipeline/access"
)

// outside is what every request passes, probes and errors too, outermost first.
func (s *site) outside(next http.Handler) http.Handler {
	return chain(next, requestID, headers, oneBody, s.accessLog, s.forwarded, strict, s.hosts)
}

// routes lists every URL there is.
func (s *site) routes() error {
	sameOrigin, err := s.sameOrigin()
	if err != nil {
		return err
	}
	s.probes.Use(s.catch, s.gate.identify, s.gate.permit(s.probes), middleware.GetHead)
	s.console.Use(s.catch, s.limit("/api/", s.Limits.API), inTime, s.gate.identify, sameOrigin, s.gate.permit(s.console), middleware.GetHead)
	s.ingest.Use(actor, s.catch, s.limit("/ingest/", s.Limits.Ingest))
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
	anybody, viewers := s.gate.needs(r, access.Nobody), s.gate.needs(r, access.Viewer)
	anybody.Get("/healthz", s.Probes.Health)
	anybody.Get("/readyz", s.Probes.Ready)
	viewers.Get("/metrics", s.Metrics.ServeHTTP)
}

// Everything from here on lies below the base path.
func (s *site) ingestRoutes() {
	r := s.ingest
	r.NotFound(s.notFound(r))
	r.MethodNotAllowed(s.notFound(r))
	senders := s.gate.needs(r, access.Nobody) // they have signatures and keys of their own
	senders.Post("/ingest/{pipeline}", s.Ingest.Row)
	senders.Post("/ingest/{pipeline}/batch", s.Ingest.Batch)
}

func (s *site) apiRoutes() {
	a, v1 := s.API, s.API.Mount(s.console, "/api/v1", s.gate.rule)
	viewers, operators, admins := v1.For(access.Viewer), v1.For(access.Operator), v1.For(access.Admin)

	viewers.Get("/openapi.json", v1.Document(s.base))
	viewers.Get("/overview", a.GetOverview())

	viewers.Get("/rows", a.ListRows())
	operators.Post("/rows", a.CreateRow())
	viewers.Get("/rows/{id}", a.GetRow())
	operators.Post("/rows/{id}/replay", a.ReplayRow())
	operators.Post("/rows/{id}/discard", a.DiscardRow())
	operators.Post("/rows/{id}/restore", a.RestoreRow())

	viewers.Get("/dead-letters", a.ListLetters())
	viewers.Get("/dead-letters/groups", a.ListGroups())

	viewers.Get("/redrives", a.ListRedrives())
	operators.Post("/redrives", a.StartRedrive())
	viewers.Get("/redrives/{id}", a.GetRedrive())
	operators.Post("/redrives/{id}/cancel", a.CancelOperation())
	operators.Post("/redrives/{id}/pause", a.PauseOperation())
	operators.Post("/redrives/{id}/resume", a.ResumeOperation())

	viewers.Get("/replays", a.ListReplays())
	operators.Post("/replays", a.StartReplay())
	viewers.Get("/replays/{id}", a.GetReplay())
	operators.Post("/replays/{id}/cancel", a.CancelOperation())
	operators.Post("/replays/{id}/pause", a.PauseOperation())
	operators.Post("/replays/{id}/resume", a.ResumeOperation())

	viewers.Get("/discards", a.ListDiscards())
	operators.Post("/discards", a.StartDiscard())
	viewers.Get("/discards/{id}", a.GetDiscard())
	operators.Post("/discards/{id}/cancel", a.CancelOperation())
	operators.Post("/discards/{id}/pause", a.PauseOperation())
	operators.Post("/discards/{id}/resume", a.ResumeOperation())
	operators.Post("/discards/{id}/restore", a.RestoreDiscard())

	viewers.Get("/breakers", a.ListBreakers())
	viewers.Get("/breakers/{name}", a.GetBreaker())
	operators.Post("/breakers/{name}", a.ForceBreaker())

	viewers.Get("/sweeps", a.ListSweeps())
	operators.Post("/sweeps", a.StartSweep())
	viewers.Get("/sweeps/schedule", a.GetSchedule())
	operators.Put("/sweeps/schedule", a.SetSchedule())
	viewers.Get("/sweeps/{id}", a.GetSweep())

	viewers.Get("/alarms", a.ListAlarms())
	viewers.Get("/alarms/{name}", a.GetAlarm())
	operators.Post("/alarms/{name}/acknowledge", a.NotYet("acknowledging alarms"))
	operators.Post("/alarms/{name}/silence", a.NotYet("silencing alarms"))
	operators.Post("/notify/{n}/test", a.NotYet("testing a notification"))

	viewers.Get("/steps/{pipeline}/{step}", a.GetStep())
	operators.Post("/steps/{pipeline}/{step}", a.ChangeStep())

	viewers.Get("/faults", a.ListFaults())
	admins.Post("/faults", a.StartFault())
	operators.Delete("/faults/{id}", a.EndFault())

	viewers.Get("/audit", a.ListAudit())

	viewers.Get("/queues", a.ListQueues())
	viewers.Get("/queues/{name}", a.GetQueue())
	operators.Post("/queues/{name}/browse", a.BrowseQueue())
	operators.Post("/queues/{name}/redrive", a.RedriveQueue())
	admins.Post("/queues/{name}/purge", a.PurgeQueue())
	viewers.Get("/queues/{name}/moves/{id}", a.GetQueueMove())
	operators.Post("/queues/{name}/moves/{id}/cancel", a.CancelQueueMove())
	operators.Post("/queues/{name}/moves/{id}/pause", a.PauseQueueMove())
	operators.Post("/queues/{name}/moves/{id}/resume", a.ResumeQueueMove())

	operators.Post("/marks", a.NotYet("marks"))

	admins.Get("/users", a.ListUsers())
	admins.Post("/users", a.AddUser())
	admins.Delete("/users", a.RemoveUser())
	admins.Get("/users/{name}", a.GetUser())
	admins.Post("/users/{name}", a.ChangeUser())
	admins.Delete("/users/{name}", a.RemoveNamedUser())
	admins.Get("/sessions", a.ListSessions())
	admins.Delete("/sessions/{id}", a.EndSession())
	viewers.Get("/tokens", a.ListTokens())
	viewers.Post("/tokens", a.CreateToken())
	viewers.Delete("/tokens", a.RevokeToken())
	viewers.Delete("/tokens/{id}", a.RevokeNamedToken())
}

func (s *site) pageRoutes() {
	r, p, page := s.console, s.Pages, s.Pages.Shell.Page
	anybody, viewers := s.gate.needs(r, access.Nobody), s.gate.needs(r, access.Viewer)
	operators, admins := s.gate.needs(r, access.Operator), s.gate.needs(r, access.Admin)
	r.NotFound(s.notFound(r))
	r.MethodNotAllowed(s.notFound(r))

	anybody.Get("/login", page(p.Login.Show))
	anybody.Post("/login", page(p.Login.SignIn))
	anybody.Get("/login/oidc", page(p.Login.Provider))
	anybody.Get("/login/callback", page(p.Login.Callback))
	anybody.Get("/setup", page(p.Login.Setup))
	anybody.Post("/setup", page(p.Login.Accept))
	anybody.Post("/logout", page(p.Login.SignOut))

	anybody.Get("/static/*", s.Assets.Handler(s.missing).ServeHTTP)
	viewers.Get("/events", s.Live.Events)

	viewers.Get("/", page(p.Overview.Show))
	viewers.Get("/start", page(p.Start.Show))

	viewers.Get("/rows", page(p.Rows.List))
	operators.Post("/rows", page(p.Rows.Test))
	operators.Get("/rows/export", page(p.Rows.Export))
	operators.Post("/rows/discard", page(p.Rows.DiscardSelected))
	viewers.Get("/rows/{id}", page(p.Rows.Show))
	operators.Post("/rows/{id}", page(p.Rows.Reveal))
	operators.Get("/rows/{id}/payload", page(p.Rows.MaskedPayload))
	operators.Post("/rows/{id}/payload", page(p.Rows.Payload))
	operators.Post("/rows/{id}/replay", page(p.Rows.Replay))
	operators.Post("/rows/{id}/discard", page(p.Rows.Discard))
	operators.Post("/rows/{id}/restore", page(p.Rows.Restore))

	viewers.Get("/dead-letters", page(p.DeadLetters.List))
	operators.Get("/dead-letters/export", page(p.DeadLetters.Export))

	viewers.Get("/redrives", page(p.Redrives.List))
	operators.Post("/redrives", page(p.Redrives.Start))
	operators.Post("/discards", page(p.Redrives.Discard))
	operators.Post("/replays", page(p.Redrives.Replay))
	viewers.Get("/redrives/{id}", page(p.Redrives.Show))
	operators.Post("/redrives/{id}/cancel", page(p.Redrives.Cancel))
	operators.Post("/redrives/{id}/pause", page(p.Redrives.Pause))
	operators.Post("/redrives/{id}/resume", page(p.Redrives.Resume))
	operators.Post("/redrives/{id}/restore", page(p.Redrives.Restore))

	viewers.Get("/breakers", page(p.Breakers.List))
	viewers.Get("/breakers/{name}", page(p.Breakers.Show))
	operators.Post("/breakers/{name}", page(p.Breakers.Force))

	viewers.Get("/sweeps", page(p.Sweeps.List))
	operators.Post("/sweeps", page(p.Sweeps.Run))
	operators.Post("/sweeps/schedule", page(p.Sweeps.Schedule))
	viewers.Get("/sweeps/{id}", page(p.Sweeps.Show))

	viewers.Get("/alarms", page(p.Alarms.List))
	viewers.Get("/alarms/{name}", page(p.Alarms.Show))

	viewers.Get("/steps/{pipeline}/{step}", page(p.Steps.Show))
	operators.Post("/steps/{pipeline}/{step}", page(p.Steps.Change))
	operators.Post("/steps/{pipeline}/{step}/evict", page(p.Steps.Evict))

	viewers.Get("/faults", page(p.Faults.List))
	admins.Post("/faults", page(p.Faults.Start))
	operators.Post("/faults/{id}/end", page(p.Faults.End))

	viewers.Get("/queues", page(p.Queues.List))
	viewers.Get("/queues/{name}", page(p.Queues.Show))
	operators.Post("/queues/{name}/browse", page(p.Queues.Browse))
	operators.Post("/queues/{name}/redrive", page(p.Queues.Redrive))
	admins.Post("/queues/{name}/purge", page(p.Queues.Purge))
	viewers.Get("/queues/{name}/messages/{id}", page(p.Queues.Message))
	operators.Post("/queues/{name}/messages/{id}", page(p.Queues.Reveal))
	operators.Post("/queues/{name}/messages/{id}/body", page(p.Queues.Body))
	operators.Post("/queues/{name}/moves/{id}/cancel", page(p.Queues.Cancel))
	operators.Post("/queues/{name}/moves/{id}/pause", page(p.Queues.Pause))
	operators.Post("/queues/{name}/moves/{id}/resume", page(p.Queues.Resume))

	viewers.Get("/audit", page(p.Audit.List))
	viewers.Get("/audit/export", page(p.Audit.Export))

	// A form of the settings answers with a page where it is refused, or has a
	// secret to show: that page reads itself again from the same address.
	viewers.Get("/settings", page(p.Settings.Show))
	for path, form := range map[string]handlers.Handler{"password": p.Settings.Password, "tokens": p.Settings.NewToken, "tokens/{id}/revoke": p.Settings.Revoke,
		"sessions/end-others": p.Settings.EndOthers, "sessions/{id}/end": p.Settings.EndSession} {
		if !strings.Contains(path, "{") {
			viewers.Get("/settings/"+path, page(p.Settings.Show))
		}
		viewers.Post("/settings/"+path, page(form))
	}
	viewers.Get("/settings/users", page(p.Settings.Show))
	admins.Post("/settings/users", page(p.Settings.AddUser))
	admins.Get("/settings/users/{name}", page(p.Settings.User))
	for path, form := range map[string]handlers.Handler{"role": p.Settings.Role, "invite": p.Settings.Invite, "disable": p.Settings.Disable,
		"enable": p.Settings.Enable, "remove": p.Settings.Remove} {
		admins.Get("/settings/users/{name}/"+path, page(p.Settings.User))
		admins.Post("/settings/users/{name}/"+path, page(form))
	}
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
