package api

import (
	"net/http"

	"redrive/handlers/problem"
	"redrive/pipeline/access"
)

type userList struct {
	Users []userItem `json:"users"`
}

type userItem struct {
	Name         string   `json:"name"`
	Role         string   `json:"role" enum:"viewer,operator,admin"`
	Source       string   `json:"source" enum:"local,oidc"`
	Disabled     bool     `json:"disabled"`
	Invited      bool     `json:"invited"`
	CreatedAt    stamp    `json:"created_at"`
	CreatedBy    optional `json:"created_by"`
	LastSignInAt stamp    `json:"last_sign_in_at"`
}

// userAnswer is a user after a change, with what is told only once.
type userAnswer struct {
	userItem
	Invitation optional `json:"invitation"`
}

type newUserBody struct {
	Name     string  `json:"name" required:"true"`
	Role     string  `json:"role" required:"true" enum:"viewer,operator,admin"`
	Password *string `json:"password"`
	Reason   string  `json:"reason"`
}

type userBody struct {
	Role     *string `json:"role" enum:"viewer,operator,admin"`
	Disabled *bool   `json:"disabled"`
	Password *string `json:"password"`
	Invite   bool    `json:"invite"`
	Reason   string  `json:"reason"`
}

type userNameBody struct {
	Name   string `json:"name" required:"true"`
	Reason string `json:"reason"`
}

// ListUsers lists everybody who may sign in.
func (a *API) ListUsers() Operation {
	return Operation{Summary: "Everybody who may sign in, by name", Answer: userList{}, Do: func(c *Call) (any, error) {
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		users, err := of.Users(c.ctx())
		if err != nil {
			return nil, err
		}
		return userList{Users: list(users, toUser)}, nil
	}}
}

// GetUser is one user.
func (a *API) GetUser() Operation {
	return Operation{Summary: "One user", Answer: userItem{}, Do: func(c *Call) (any, error) {
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		u, err := of.User(c.ctx(), c.name("name"))
		if err != nil {
			return nil, err
		}
		return toUser(u), nil
	}}
}

// AddUser adds a user, who without a password is invited.
func (a *API) AddUser() Operation {
	return Operation{
		Summary: "Add a user; without a password the answer has an invitation, once, with which they choose one at /setup",
		Body:    newUserBody{}, Answer: userAnswer{}, Status: http.StatusCreated,
		Do: func(c *Call) (any, error) {
			var in newUserBody
			of, err := a.changing(c, &in, "A user is about to be added.")
			if err != nil {
				return nil, err
			}
			for _, field := range []struct{ name, given string }{{"name", in.Name}, {"role", in.Role}} {
				if err := required(field.name, field.given); err != nil {
					return nil, err
				}
			}
			if in.Password != nil && *in.Password == "" {
				return nil, problem.Invalid("password", "password is empty; leave it out to invite the user instead.")
			}
			u, token, err := of.AddUser(c.ctx(), access.NewUser{Name: in.Name, Role: access.Role(in.Role), Password: value(in.Password), Reason: in.Reason})
			return userDone(u, token, err)
		},
	}
}

// ChangeUser changes a user, whose sessions then end.
func (a *API) ChangeUser() Operation {
	return Operation{
		Summary: "Change a user's role or password, disable or enable them, or invite them to choose another password; their sessions end",
		Body:    userBody{}, Answer: userAnswer{},
		Do: func(c *Call) (any, error) {
			var in userBody
			of, err := a.changing(c, &in, "A user is about to be changed.")
			if err != nil {
				return nil, err
			}
			name, change := c.name("name"), access.UserChange{Disabled: in.Disabled, Password: in.Password, Reason: in.Reason}
			if in.Role != nil {
				role := access.Role(*in.Role)
				change.Role = &role
			}
			some := in.Role != nil || in.Disabled != nil || in.Password != nil
			switch {
			case in.Invite && some:
				return nil, problem.Invalid("invite", "invite goes alone: send the other changes in a call of their own.")
			case in.Invite:
				u, token, err := of.Invite(c.ctx(), name, in.Reason)
				return userDone(u, token, err)
			case !some:
				return nil, problem.Invalid("role", "Say what to change: role, disabled, password or invite.")
			}
			u, err := of.ChangeUser(c.ctx(), name, change)
			return userDone(u, "", err)
		},
	}
}

// RemoveUser removes the user named in the body.
func (a *API) RemoveUser() Operation {
	return Operation{Summary: "Remove the user of a name; their sessions and tokens end", Body: userNameBody{}, Answer: userItem{}, Do: func(c *Call) (any, error) {
		var in userNameBody
		of, err := a.changing(c, &in, "A user is about to be removed.")
		if err == nil {
			err = required("name", in.Name)
		}
		if err != nil {
			return nil, err
		}
		return remove(c, of, in.Name, in.Reason)
	}}
}

// RemoveNamedUser removes the user named in the path.
func (a *API) RemoveNamedUser() Operation {
	return Operation{Summary: "Remove a user; their sessions and tokens end", Body: reasonBody{}, Answer: userItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		of, err := a.changing(c, &in, "A user is about to be removed.")
		if err != nil {
			return nil, err
		}
		return remove(c, of, c.name("name"), in.Reason)
	}}
}

func remove(c *Call, of accounts, name, reason string) (any, error) {
	u, err := of.User(c.ctx(), name)
	if err == nil {
		err = of.RemoveUser(c.ctx(), u.Name, reason)
	}
	if err != nil {
		return nil, err
	}
	return toUser(u), nil
}

// changing reads the body of a change that asks a person for the password again.
func (a *API) changing(c *Call, in any, what string) (accounts, error) {
	of, err := a.accounts()
	if err != nil {
		return nil, err
	}
	if err := c.body(in); err != nil {
		return nil, err
	}
	return of, access.Fresh(c.ctx(), what)
}

func userDone(u access.User, invitation string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return userAnswer{userItem: toUser(u), Invitation: optional(invitation)}, nil
}

func toUser(u access.User) userItem {
	return userItem{Name: u.Name, Role: string(u.Role), Source: u.Source, Disabled: u.Disabled, Invited: u.Invited,
		CreatedAt: stamp(u.CreatedAt), CreatedBy: optional(u.CreatedBy), LastSignInAt: stamp(u.LastSignIn)}
}
