package api

import (
	"slices"

	"redrive/pipeline"
	"redrive/pipeline/access"
)

type sessionList struct {
	Sessions []sessionItem `json:"sessions"`
}

type sessionItem struct {
	ID         string   `json:"id"`
	User       string   `json:"user"`
	Role       string   `json:"role" enum:"viewer,operator,admin"`
	Address    optional `json:"address"`
	Agent      optional `json:"agent"`
	BeganAt    stamp    `json:"began_at"`
	LastUsedAt stamp    `json:"last_used_at"`
	EndsAt     stamp    `json:"ends_at"`
	Own        bool     `json:"own"`
}

// ListSessions lists the browsers that are signed in.
func (a *API) ListSessions() Operation {
	return Operation{Summary: "The browsers that are signed in, newest first", Answer: sessionList{}, Do: func(c *Call) (any, error) {
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		sessions, err := of.Sessions(c.ctx(), "")
		if err != nil {
			return nil, err
		}
		return sessionList{Sessions: list(sessions, toSession)}, nil
	}}
}

// EndSession signs a browser out.
func (a *API) EndSession() Operation {
	return Operation{Summary: "Sign a browser out, at once", Body: reasonBody{}, Answer: sessionItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		sessions, err := of.Sessions(c.ctx(), "")
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(sessions, func(s access.Session) bool { return s.ID == id })
		if i < 0 {
			return nil, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such session; it may have ended"}
		}
		if err := of.EndSession(c.ctx(), "", id, in.Reason); err != nil {
			return nil, err
		}
		return toSession(sessions[i]), nil
	}}
}

func toSession(s access.Session) sessionItem {
	return sessionItem{ID: s.ID, User: s.User, Role: string(s.Role), Address: optional(s.Address), Agent: optional(s.Agent),
		BeganAt: stamp(s.Began), LastUsedAt: stamp(s.Used), EndsAt: stamp(s.Ends), Own: s.Own}
}
