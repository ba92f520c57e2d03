package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/web"
)

// shutdownFor is how long open answers may take once the engine has stopped.
const shutdownFor = 5 * time.Second

// program is everything that runs.
type program struct {
	cfg    *config.Config
	demo   *demonstration // nil: the real thing
	log    *slog.Logger
	out    io.Writer
	listen func(net.Addr)          // told the address once it listens; may be nil
	wrap   func(*pipeline.Backend) // puts something around the store; may be nil
}

// serve runs until a signal. A second signal ends the process at once.
func (c *cli) serve(ctx context.Context, t terminal) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	p, code := c.program(t)
	if p == nil {
		return code
	}
	if err := p.run(ctx); err != nil {
		return t.fail(err)
	}
	return exitFine
}

func (c *cli) program(t terminal) (*program, int) {
	if c.Config == "" {
		return c.demonstration(t)
	}
	cfg, ok := c.load(t)
	if !ok {
		return nil, exitUnusual
	}
	p := &program{cfg: cfg, out: t.out, log: newLogger(t.err, cfg.LogFormat)}
	for _, w := range cfg.Warnings {
		p.log.Warn(w.String())
	}
	return p, exitFine
}

// run opens the store, then listens, then works. Whatever fails first is one
// sentence. At the end: no more work is taken, calls in flight end, the console
// answers until then, and the store is closed last.
func (p *program) run(ctx context.Context) (err error) {
	store, err := openStore(ctx, p.cfg, p.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain(store.Close())) }()
	if p.wrap != nil {
		p.wrap(&store.Backend)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.cfg.Listen)
	if err != nil {
		return listenError(p.cfg.Listen, err)
	}
	defer listener.Close() //nolint:errcheck // closed by the server already
	ec, err := engineConfig(p.cfg, store.account, workerName(), p.log)
	if err != nil {
		return err
	}
	engine, err := pipeline.New(ec, store.Backend)
	if err != nil {
		return err
	}
	return p.work(ctx, store, engine, listener)
}

func (p *program) work(ctx context.Context, store store, engine *pipeline.Engine, listener net.Listener) error {
	doors, err := doors(p.cfg, engine.IngestKeys)
	if err != nil {
		return err
	}
	doorman, err := openAccess(p.cfg, store.Backend, p)
	if err != nil {
		return err
	}
	handler, err := p.site(ctx, engine, doors, doorman)
	if err != nil {
		return err
	}
	server := web.NewServer(handler, p.log)
	group, working := errgroup.WithContext(ctx)
	engineDone := make(chan struct{})
	group.Go(func() error {
		defer close(engineDone)
		return engine.Run(working)
	})
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-engineDone
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownFor)
		defer cancel()
		if err := server.Shutdown(ending); err != nil {
			return server.Close()
		}
		return nil
	})
	for _, source := range p.sources(store, engine, doors) {
		group.Go(func() error { return source.Run(working) })
	}
	if p.demo != nil {
		group.Go(func() error { return p.demo.run(working, p, engine, listener.Addr()) })
	}
	p.greet(listener.Addr())
	group.Go(func() error { return p.invite(working, doorman, p.where(listener.Addr())) })
	return group.Wait()
}

// greet tells where to look.
func (p *program) greet(addr net.Addr) {
	if p.listen != nil {
		p.listen(addr)
	}
	where := p.where(addr)
	if p.demo != nil {
		fmt.Fprintf(p.out, "Redrive %s, demonstration: open %s\nReal webhooks flow through a sample pipeline with a flaky downstream. Press Ctrl-C to stop.\n", version(), where)
		return
	}
	p.log.Info("listening", "url", where, "version", version(), "pipelines", len(p.cfg.Pipelines), "backend", p.cfg.Backend, "promise", promise(p.cfg))
}

// where is the address of the console.
func (p *program) where(addr net.Addr) string {
	return "http://" + addr.String() + strings.TrimRight(p.cfg.BasePath, "/") + "/"
}

func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s already; stop it or choose another address with --listen", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s; choose a port above 1023", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// workerName is what attempts call this process.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
