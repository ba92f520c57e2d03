package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"redrive/cmd/server/config"
)

const (
	defaultListen  = "127.0.0.1:8080"
	healthcheckFor = 5 * time.Second
)

// healthcheck asks the running server's /healthz: the container's probe.
func (c *cli) healthcheck(ctx context.Context, t terminal) int {
	listen := cmp.Or(c.overrides().WithEnv(t.env).Listen, defaultListen)
	if c.Config != "" {
		if cfg, mistakes := config.Load(c.Config, c.overrides().WithEnv(t.env), t.env); len(mistakes) == 0 {
			listen = cfg.Listen
		}
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return t.fail(fmt.Errorf("the listen address %q is no host:port", listen))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return t.fail(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return t.fail(fmt.Errorf("no server answers on %s", listen))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return t.fail(fmt.Errorf("the server on %s answered %s", listen, res.Status))
	}
	return exitFine
}
