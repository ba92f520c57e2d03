package api

import (
	"net/http"

	"redrive/handlers/problem"
)

// NotYet stands for a call that a later version will answer. It says so, where
// a 404 would send its caller looking for a typing mistake.
func (a *API) NotYet(what string) Operation {
	return Operation{
		Summary: "Not supported yet: " + what,
		Do: func(*Call) (any, error) {
			return nil, problem.New(http.StatusBadRequest, what+": not supported yet.")
		},
	}
}
