package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"redrive/handlers"
	"redrive/handlers/api"
	"redrive/handlers/problem"
	"redrive/pipeline/access"
	"redrive/static"
)

// Config is what the shell is built of. All handlers are required.
type Config struct {
	Listen         string         // host:port as configured
	BasePath       string         // "/" or "/redrive"; a slash at the end does not matter
	PublicURL      string         // as seen through a proxy; may be empty
	AllowedHosts   []string       // names, with or without a port, that may be asked for besides
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Host count
	ProbesOnly     bool           // pages, API and intake are another process's
	Limits         Limits

	Assets  *static.Assets
	API     *api.API
	Ingest  *handlers.Ingest
	Live    *handlers.Live
	Probes  *handlers.Probes
	Metrics http.Handler
	Pages   Pages
	Access  Access       // who is who; nil: whoever reaches the address may do everything
	Logger  *slog.Logger // nil: silent
}

// Pages are the console's pages, one a noun.
type Pages struct {
	Shell       *handlers.Shell
	Overview    *handlers.Overview
	Start       *handlers.Start
	Rows        *handlers.Rows
	DeadLetters *handlers.DeadLetters
	Redrives    *handlers.Redrives
	Breakers    *handlers.Breakers
	Sweeps      *handlers.Sweeps
	Alarms      *handlers.Alarms
	Steps       *handlers.Steps
	Faults      *handlers.Faults
	Queues      *handlers.Queues
	Audit       *handlers.Audit
	Login       *handlers.Login
	Settings    *handlers.Settings
}

// site is the configured shell.
type site struct {
	Config
	base   string // begins and ends with "/"
	public *url.URL
	log    *slog.Logger

	probes, console, ingest *chi.Mux
	gate                    *gate
}

// Site answers everything, and tells what it answers.
type Site struct {
	http.Handler
	Routes []Route
}

// New builds the handler of everything. It fails on a public URL that is none,
// and on a route that nobody said who may use.
func New(c Config) (*Site, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	list, err := s.list()
	if err != nil {
		return nil, err
	}
	return &Site{Handler: s.outside(http.HandlerFunc(s.dispatch)), Routes: list}, nil
}

func build(c Config) (*site, error) {
	s := &site{Config: c, base: strings.TrimRight(c.BasePath, "/") + "/", log: c.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.PublicURL != "" {
		public, err := url.Parse(c.PublicURL)
		if err != nil || public.Host == "" {
			return nil, errors.New("public_url " + c.PublicURL + " is no URL with a host")
		}
		s.public = public
	}
	s.probes, s.console, s.ingest = chi.NewRouter(), chi.NewRouter(), chi.NewRouter()
	s.gate = &gate{s: s, rules: map[string]access.Role{}}
	if err := s.routes(); err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	return s, nil
}

// dispatch sends a request to the probes, which lie beside the base path, or to
// what lies below it. The path is taken as it was sent: routes match raw
// segments, so an escaped slash never makes two of one.
func (s *site) dispatch(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if probe(path) {
		s.probes.ServeHTTP(w, r)
		return
	}
	if s.ProbesOnly {
		problem.Write(w, r, problem.Problem{Status: http.StatusNotFound,
			Detail: "This process only works on steps (--only workers): pages, API and intake are those of a process that runs without it."})
		return
	}
	if path+"/" == s.base && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		http.Redirect(w, r, s.base, http.StatusTemporaryRedirect)
		return
	}
	below, ok := strings.CutPrefix(path, s.base)
	if !ok {
		problem.Write(w, r, problem.Problem{Status: http.StatusNotFound, Detail: "There is nothing at this address; everything lies below " + s.base + "."})
		return
	}
	r = beneath(r, "/"+below)
	if strings.HasPrefix(below, "ingest/") {
		s.ingest.ServeHTTP(w, r)
		return
	}
	s.console.ServeHTTP(w, r)
}

func probe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// beneath is the request with a path that begins after the base path.
func beneath(r *http.Request, raw string) *http.Request {
	below := new(http.Request)
	*below = *r
	u := *r.URL
	u.RawPath = raw
	if plain, err := url.PathUnescape(raw); err == nil {
		u.Path = plain
	}
	below.URL = &u
	return below
}
