package api

import (
	"context"
	"net/http"

	"redrive/handlers/problem"
	"redrive/pipeline/access"
)

// accounts are who may come in.
type accounts interface {
	Users(ctx context.Context) ([]access.User, error)
	User(ctx context.Context, name string) (access.User, error)
	AddUser(ctx context.Context, n access.NewUser) (access.User, string, error)
	ChangeUser(ctx context.Context, name string, c access.UserChange) (access.User, error)
	Invite(ctx context.Context, name, reason string) (access.User, string, error)
	RemoveUser(ctx context.Context, name, reason string) error

	Tokens(ctx context.Context, owner string) ([]access.Token, error)
	CreateToken(ctx context.Context, n access.NewToken) (access.Token, string, error)
	RevokeToken(ctx context.Context, owner, id, reason string) (access.Token, error)

	Sessions(ctx context.Context, user string) ([]access.Session, error)
	EndSession(ctx context.Context, user, id, reason string) error
}

// accounts are those of the server, if it has any.
func (a *API) accounts() (accounts, error) {
	if a.s.Accounts == nil {
		return nil, problem.New(http.StatusConflict, "There is no access control here: whoever reaches this address may do everything. "+
			"For users, sessions and tokens add auth: {local: true} to the configuration and start the server again.")
	}
	return a.s.Accounts, nil
}

// own is whose things a caller may see: their own, or all of an admin's.
func own(ctx context.Context) string {
	if id, ok := access.From(ctx); ok && !id.Role.Allows(access.Admin) {
		return id.Name
	}
	return ""
}
