package web

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"redrive/pipeline/access"
)

// Route is an address as the router knows it, below the base path but for the
// probes, and the least role that may use it.
type Route struct {
	Method, Pattern string
	Need            access.Role
}

// list is every route with who may use it. One that nobody said it of is a
// mistake that must not reach anybody: the gate shuts it, and it is refused here.
func (s *site) list() ([]Route, error) {
	var all []Route
	for _, router := range []*chi.Mux{s.probes, s.ingest, s.console} {
		err := chi.Walk(router, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			need, ruled := s.gate.rules[method+" "+pattern]
			if !ruled {
				return fmt.Errorf("%s %s says nothing of who may use it", method, pattern)
			}
			all = append(all, Route{Method: method, Pattern: pattern, Need: need})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
