// Package api is the JSON API below /api/v1. Each operation is a value that says
// what it takes and answers; the routes and the OpenAPI document are made of the
// same values, so neither can say something the other does not.
//
// Its manners: every field that is named is always there (null, [], 0), times
// are RFC 3339 in UTC, errors are problem+json that names the field at fault,
// and what is not known is refused rather than ignored.
package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"

	"redrive/handlers/problem"
)

// Services are what the API reads and drives.
type Services struct {
	Overview overview
	Rows     interface {
		rowReader
		rowActor
	}
	Letters    letters
	Operations operations
	Breakers   breakers
	Sweeps     sweeps
	Alarms     alarms
	Steps      steps
	Faults     faults
	Queues     queues
	Audit      audit
	Accounts   accounts // nil: there is no access control
}

// API makes the operations.
type API struct {
	s   Services
	log *slog.Logger
}

// New returns the API over its services.
func New(s Services, log *slog.Logger) *API { return &API{s: s, log: log} }

// Operation is one call of the API.
type Operation struct {
	Summary string
	Query   []Param
	Body    any // zero value of what it takes; nil: no body
	Answer  any // zero value of what it answers
	Status  int // 0: 200
	Do      func(*Call) (any, error)
}

// Handler answers an operation: strict query first, then Do, then JSON.
func (a *API) handler(op Operation) http.HandlerFunc {
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := readQuery(r.URL.RawQuery, op.Query)
		if err != nil {
			problem.Answer(w, r, a.log, err)
			return
		}
		answer, err := op.Do(&Call{w: w, r: r, query: query})
		if err != nil {
			problem.Answer(w, r, a.log, err)
			return
		}
		if err := write(w, status, answer); err != nil {
			problem.Answer(w, r, a.log, err)
		}
	}
}

func write(w http.ResponseWriter, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	w.Write(append(body, '\n')) //nolint:errcheck // a gone caller is no news
	return nil
}
