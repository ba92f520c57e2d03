package api

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"

	"redrive/pipeline/access"
)

// Mount registers operations with a router and remembers them for the document.
type Mount struct {
	api    *API
	router chi.Router
	prefix string
	rule   func(method, pattern string, need access.Role)
	need   access.Role
	routes *[]route
}

type route struct {
	method, path string
	need         access.Role
	op           Operation
}

// Mount returns where operations are registered: below prefix of a router. Each
// is told to rule, with the role it needs.
func (a *API) Mount(r chi.Router, prefix string, rule func(method, pattern string, need access.Role)) *Mount {
	return &Mount{api: a, router: r, prefix: prefix, rule: rule, routes: new([]route)}
}

// For registers operations that need a role.
func (m *Mount) For(need access.Role) *Mount {
	of := *m
	of.need = need
	return &of
}

// Get registers a call that reads.
func (m *Mount) Get(path string, op Operation) { m.add(http.MethodGet, path, op) }

// Post registers a call that acts.
func (m *Mount) Post(path string, op Operation) { m.add(http.MethodPost, path, op) }

// Put registers a call that sets.
func (m *Mount) Put(path string, op Operation) { m.add(http.MethodPut, path, op) }

// Delete registers a call that ends or removes.
func (m *Mount) Delete(path string, op Operation) { m.add(http.MethodDelete, path, op) }

func (m *Mount) add(method, path string, op Operation) {
	m.router.Method(method, m.prefix+path, m.api.handler(op))
	m.rule(method, m.prefix+path, m.need)
	*m.routes = append(*m.routes, route{method: method, path: m.prefix + path, need: m.need, op: op})
}

// Document answers the OpenAPI document of everything registered by the time it
// is first asked for. The server's address in it is the base path.
func (m *Mount) Document(base string) Operation {
	once := sync.OnceValues(func() (json.RawMessage, error) { return json.Marshal(document(base, *m.routes)) })
	return Operation{
		Summary: "This document",
		Answer:  map[string]any{},
		Do:      func(*Call) (any, error) { return once() },
	}
}
