package main

import (
	"context"
	"fmt"
	"strings"

	"redrive/cmd/server/config"
	"redrive/handlers"
	"redrive/pipeline"
	"redrive/pipeline/access"
)

// openAccess is who knows who may come in; nil where nobody is asked.
func openAccess(c *config.Config, b pipeline.Backend, p *program) (*access.Service, error) {
	if !c.Auth.Enabled() {
		return nil, nil
	}
	return access.New(access.Config{Records: b.Records, Audit: b.Audit, Idle: c.Auth.Sessions.Idle, Absolute: c.Auth.Sessions.Absolute,
		Provider: c.Auth.OIDC != nil, External: !c.Auth.Local, Logger: p.log})
}

// invite prints the setup token while there is no user: whoever reads what the
// server prints may make the first.
func (p *program) invite(ctx context.Context, doorman *access.Service, url string) error {
	if doorman == nil || !p.cfg.Auth.Local || p.cfg.Only == pipeline.OnlyWorkers {
		return nil
	}
	token, err := doorman.Setup(ctx)
	if err != nil || token == "" {
		return err
	}
	if p.cfg.PublicURL != "" {
		url = strings.TrimRight(p.cfg.PublicURL, "/") + strings.TrimRight(p.cfg.BasePath, "/") + "/"
	}
	fmt.Fprintf(p.out, "Nobody has an account yet. Open %ssetup and make the first one with this setup token, good for 24 hours:\n\n    %s\n\n", url, token)
	return nil
}

// settings is the page of accounts and of what the server runs with.
func (p *program) settings(e *pipeline.Engine, frame handlers.Framer, doorman *access.Service) *handlers.Settings {
	c := handlers.SettingsConfig{Local: p.cfg.Auth.Local, Keys: e.IngestKeys, InForce: inForce(p.cfg), Public: strings.TrimRight(p.cfg.PublicURL, "/")}
	if doorman != nil {
		c.Accounts = doorman
	}
	return handlers.NewSettings(c, frame)
}

// login is the way in and out of the console.
func (p *program) login(doorman *access.Service, base string, frame handlers.Framer) (*handlers.Login, error) {
	if doorman == nil {
		return handlers.NewLogin(nil, false, nil, base, frame), nil
	}
	outside, err := openProvider(p.cfg)
	if err != nil {
		return nil, err
	}
	var provider handlers.Provider
	if outside != nil {
		provider = outside
	}
	login := handlers.NewLogin(doorman, p.cfg.Auth.Local, provider, base, frame)
	login.OnPlain(func() {
		p.log.Warn("somebody signed in over plain http: whoever is on the way can read passwords and sessions; put a proxy with TLS in front, name it in trusted_proxies, and set public_url to its https address")
	})
	return login, nil
}
