package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"redrive/cmd/server/config"
	"redrive/cmd/server/demo"
	"redrive/pipeline"
)

// When the demonstration makes its first sweep and its first redrive.
const (
	sweepAfter   = 12 * time.Second
	redriveAfter = 20 * time.Second
)

// demonstration is what runs beside the program when it has no configuration.
type demonstration struct {
	secret     string
	downstream net.Listener
}

// demonstration prepares the sample pipeline and its downstream, which listens
// on loopback like everything else.
func (c *cli) demonstration(t terminal) (*program, int) {
	downstream, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, t.fail(listenError("127.0.0.1:0", err))
	}
	d := &demonstration{secret: demo.NewSecret(), downstream: downstream}
	env := func(name string) (string, bool) {
		switch name {
		case "DEMO_SECRET":
			return d.secret, true
		case "DEMO_DOWNSTREAM":
			return "http://" + downstream.Addr().String(), true
		}
		return t.env(name)
	}
	over := c.overrides().WithEnv(t.env)
	over.Data = cmp.Or(over.Data, "data")
	cfg, mistakes := config.Parse("demonstration", demo.Configuration(), over, env)
	for _, m := range mistakes {
		fmt.Fprintln(t.err, m)
	}
	if len(mistakes) > 0 {
		downstream.Close() //nolint:errcheck // nothing was served
		return nil, exitUnusual
	}
	return &program{cfg: cfg, demo: d, out: t.out, log: newLogger(t.err, cfg.LogFormat)}, exitFine
}

func (d *demonstration) run(ctx context.Context, p *program, e *pipeline.Engine, addr net.Addr) error {
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{Handler: demo.NewDownstream().Handler(), ReadHeaderTimeout: 5 * time.Second}
	group.Go(func() error {
		if err := server.Serve(d.downstream); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done() // calls in flight may end, as everywhere
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownFor)
		defer cancel()
		if err := server.Shutdown(ending); err != nil {
			return server.Close()
		}
		return nil
	})
	group.Go(func() error {
		s := &demo.Simulator{URL: "http://" + addr.String() + p.cfg.BasePath + "/ingest/github", Secret: d.secret, Logger: p.log,
			Client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil}}}
		if p.cfg.BasePath == "/" {
			s.URL = "http://" + addr.String() + "/ingest/github"
		}
		return s.Run(ctx)
	})
	group.Go(func() error {
		d.show(ctx, p, e)
		return nil
	})
	return group.Wait()
}

// show makes a first sweep and a first redrive, so that there are reports to
// read before anybody has pressed a button.
func (d *demonstration) show(ctx context.Context, p *program, e *pipeline.Engine) {
	pause(ctx, sweepAfter)
	if _, err := e.Sweeps.Start(ctx, false, ""); err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "the demonstration's sweep", "error", err)
	}
	pause(ctx, redriveAfter-sweepAfter)
	letters, _, err := e.Letters.List(ctx, pipeline.LetterFilter{Limit: 1})
	if err == nil && len(letters.Items) > 0 {
		_, err = e.Operations.Start(ctx, pipeline.OperationRequest{Kind: pipeline.OpRedrive, Reason: "a first redrive, made by the demonstration",
			Selector: pipeline.Selector{Pipeline: letters.Items[0].Pipeline, IDs: []string{letters.Items[0].ID}}})
	}
	if err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "the demonstration's redrive", "error", err)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
