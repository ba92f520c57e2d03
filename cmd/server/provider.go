package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"strings"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/pipeline/egress"
	"redrive/pipeline/oidc"
)

// provider is the identity provider as the pages of signing in see it.
type provider struct{ oidc *oidc.Provider }

// openProvider is the identity provider of the configuration; nil where there is
// none. It is asked for nothing yet: the server starts while it is away.
func openProvider(c *config.Config) (*provider, error) {
	o := c.Auth.OIDC
	if o == nil {
		return nil, nil
	}
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	p, err := oidc.New(oidc.Config{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), RedirectURL: callback(c),
		RolesClaim: o.RolesClaim, Roles: map[string][]string{"viewer": o.Roles.Viewer, "operator": o.Roles.Operator, "admin": o.Roles.Admin}, Transport: egress.New(issuer.Hostname()).Transport(2)})
	if err != nil {
		return nil, err
	}
	return &provider{p}, nil
}

// callback is where the provider sends people back to.
func callback(c *config.Config) string {
	base := linkBase(c)
	if base == "" {
		host, port, _ := net.SplitHostPort(c.Listen)
		if host == "localhost" {
			host = "127.0.0.1"
		}
		base = "http://" + net.JoinHostPort(host, port) + strings.TrimSuffix(c.BasePath, "/")
	}
	return base + "/login/callback"
}

func (p *provider) Begin(ctx context.Context, fresh bool) (string, string, error) {
	begin := p.oidc.Begin
	if fresh {
		begin = p.oidc.BeginFresh
	}
	to, flow, err := begin(ctx)
	if err != nil {
		return "", "", providerError(err)
	}
	text, err := json.Marshal(flow)
	return to, string(text), err
}

func (p *provider) Finish(ctx context.Context, text string, query url.Values) (access.External, error) {
	var flow oidc.Flow
	if json.Unmarshal([]byte(text), &flow) != nil || flow.State == "" {
		return access.External{}, &pipeline.Error{Code: pipeline.CodeUnknown, Text: "this sign-in was begun in another browser, is used up or took longer than ten minutes; begin again"}
	}
	who, err := p.oidc.Finish(ctx, flow, query)
	if err != nil {
		return access.External{}, providerError(err)
	}
	return access.External{Name: who.Name, Subject: who.Subject, Role: access.Role(who.Role)}, nil
}

// providerError is the error of a sign-in in the words of the rest.
func providerError(err error) error {
	e, ok := errors.AsType[*oidc.Error](err)
	if !ok {
		return err
	}
	code := pipeline.CodeUnknown
	switch e.Code {
	case oidc.CodeNoRole:
		code = pipeline.CodeForbidden
	case oidc.CodeUnavailable:
		code = pipeline.CodeUnavailable
	}
	return &pipeline.Error{Code: code, Text: e.Text, Err: e.Err}
}
