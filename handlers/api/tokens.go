package api

import (
	"net/http"
	"time"

	"redrive/handlers/problem"
	"redrive/pipeline/access"
)

type tokenList struct {
	Tokens []tokenItem `json:"tokens"`
}

type tokenItem struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Role       string `json:"role" enum:"viewer,operator,admin"`
	Owner      string `json:"owner"`
	CreatedAt  stamp  `json:"created_at"`
	ExpiresAt  stamp  `json:"expires_at"`
	LastUsedAt stamp  `json:"last_used_at"`
}

// tokenAnswer is a new token with its secret, which is told only once.
type tokenAnswer struct {
	tokenItem
	Token string `json:"token"`
}

type newTokenBody struct {
	Name      string     `json:"name" required:"true"`
	Role      string     `json:"role" required:"true" enum:"viewer,operator,admin"`
	ExpiresAt *time.Time `json:"expires_at"`
	Reason    string     `json:"reason"`
}

type tokenIDBody struct {
	ID     string `json:"id" required:"true"`
	Reason string `json:"reason"`
}

// ListTokens lists the tokens of whoever asks, to an admin those of all.
func (a *API) ListTokens() Operation {
	return Operation{Summary: "Your tokens for programs; to an admin everybody's", Answer: tokenList{}, Do: func(c *Call) (any, error) {
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		tokens, err := of.Tokens(c.ctx(), own(c.ctx()))
		if err != nil {
			return nil, err
		}
		return tokenList{Tokens: list(tokens, toToken)}, nil
	}}
}

// CreateToken makes a token of whoever asks.
func (a *API) CreateToken() Operation {
	return Operation{
		Summary: "Make a token for a program, with at most your own role; it is told in this answer alone. Left out, it expires in 90 days, at most in a year",
		Body:    newTokenBody{}, Answer: tokenAnswer{}, Status: http.StatusCreated,
		Do: func(c *Call) (any, error) {
			var in newTokenBody
			of, err := a.changing(c, &in, "A token is about to be made.")
			if err != nil {
				return nil, err
			}
			for _, field := range []struct{ name, given string }{{"name", in.Name}, {"role", in.Role}} {
				if err := required(field.name, field.given); err != nil {
					return nil, err
				}
			}
			if in.ExpiresAt != nil && in.ExpiresAt.IsZero() {
				return nil, problem.Invalid("expires_at", "expires_at lies in the past.")
			}
			t, secret, err := of.CreateToken(c.ctx(), access.NewToken{Name: in.Name, Role: access.Role(in.Role), ExpiresAt: value(in.ExpiresAt), Reason: in.Reason})
			if err != nil {
				return nil, err
			}
			return tokenAnswer{tokenItem: toToken(t), Token: secret}, nil
		},
	}
}

// RevokeToken ends the token named in the body.
func (a *API) RevokeToken() Operation {
	return Operation{Summary: "End the token of an id, one of yours; an admin any", Body: tokenIDBody{}, Answer: tokenItem{}, Do: func(c *Call) (any, error) {
		var in tokenIDBody
		of, err := a.accounts()
		if err == nil {
			err = c.body(&in)
		}
		if err == nil {
			err = required("id", in.ID)
		}
		if err != nil {
			return nil, err
		}
		return tokenDone(of.RevokeToken(c.ctx(), own(c.ctx()), in.ID, in.Reason))
	}}
}

// RevokeNamedToken ends the token named in the path.
func (a *API) RevokeNamedToken() Operation {
	return Operation{Summary: "End a token, one of yours; an admin any", Body: reasonBody{}, Answer: tokenItem{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		of, err := a.accounts()
		if err != nil {
			return nil, err
		}
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		return tokenDone(of.RevokeToken(c.ctx(), own(c.ctx()), id, in.Reason))
	}}
}

func tokenDone(t access.Token, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toToken(t), nil
}

func toToken(t access.Token) tokenItem {
	return tokenItem{ID: t.ID, Name: t.Name, Role: string(t.Role), Owner: t.Owner, CreatedAt: stamp(t.CreatedAt), ExpiresAt: stamp(t.ExpiresAt), LastUsedAt: stamp(t.UsedAt)}
}
