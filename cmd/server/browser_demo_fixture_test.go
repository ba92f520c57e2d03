package main

import (
	"context"
	"log/slog"
	"net"
	"testing"
)

// newDemonstration runs the program without a configuration.
func newDemonstration(t *testing.T) *testProgram {
	t.Helper()
	p := newProgram(t)
	c := &cli{Data: p.dir, Listen: "127.0.0.1:0"}
	program, code := c.program(terminal{out: t.Output(), err: t.Output(), env: p.env})
	if code != exitFine {
		t.Fatalf("the demonstration does not start: exit code %d", code)
	}
	program.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	p.run(program)
	return p
}

func (p *testProgram) run(program *program) {
	p.t.Helper()
	at := make(chan net.Addr, 1)
	program.listen = func(a net.Addr) { at <- a }
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	done := make(chan error, 1)
	go func() { done <- program.run(ctx) }()
	select {
	case a := <-at:
		p.url = "http://" + a.String()
	case err := <-done:
		cancel()
		p.t.Fatalf("the program did not start: %v", err)
	}
	p.stop = func() error {
		p.stop = nil
		cancel()
		return <-done
	}
	p.ready()
}
