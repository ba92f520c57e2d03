package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/sqlite"
	"redrive/pipeline/steps"
)

// runRow makes one step's call on a stored row from the terminal. It reads the
// store while the server may run and writes nothing.
func (c *cli) runRow(ctx context.Context, t terminal) int {
	if c.Config == "" {
		fmt.Fprintln(t.err, "server: run needs --config FILE: it says where rows are and what steps call")
		return exitUnusual
	}
	cfg, ok := c.load(t)
	if !ok {
		return exitUnusual
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	db, err := sqlite.OpenReadOnly(ctx, sqlite.Config{Path: cfg.Embedded.Path})
	if err != nil {
		return t.fail(err)
	}
	defer db.Close() //nolint:errcheck // nothing was written
	row, err := db.Backend().Rows.Get(ctx, c.Run.Row)
	if errors.Is(err, pipeline.ErrNotFound) {
		return t.fail(fmt.Errorf("there is no row %s in %s", c.Run.Row, cfg.Embedded.Path))
	}
	if err != nil {
		return t.fail(err)
	}
	return c.call(ctx, t, cfg, row)
}

func (c *cli) call(ctx context.Context, t terminal, cfg *config.Config, row pipeline.RowDetail) int {
	step, err := findStep(cfg, row.Pipeline, c.Run.Step)
	if err != nil {
		return t.fail(err)
	}
	caller, err := httpCaller(step)
	if err != nil {
		return t.fail(err)
	}
	defer caller.Close()
	flag, _ := row.Flag(step.Name)
	req := request(pipeline.Call{Row: row.ID, Pipeline: row.Pipeline, Step: step.Name, Attempt: flag.Attempts + 1,
		ContentType: row.ContentType, Trace: row.Trace, Payload: row.Payload})
	preview, err := caller.Preview(req)
	if err != nil {
		return t.fail(err)
	}
	t.show(preview, len(row.Payload))
	if c.Run.DryRun {
		fmt.Fprintf(t.out, "\n%s\n\nDry run: nothing was sent. Nothing was written to the row.\n", row.Payload)
		return exitFine
	}
	v := caller.Call(ctx, req)
	fmt.Fprintf(t.out, "\n< %d %s\n", v.StatusCode, cmp.Or(v.Error, v.Kind.String()))
	if len(v.Result) > 0 {
		fmt.Fprintf(t.out, "%s\n", v.Result)
	}
	fmt.Fprintln(t.out, "Nothing was written to the row: its flags and attempts are as before.")
	if v.Kind != steps.Processed {
		return exitFailed
	}
	return exitFine
}

// show prints the request, without the values of configured headers, which may
// be secrets.
func (t terminal) show(p steps.Preview, size int) {
	fmt.Fprintf(t.out, "> %s\n> %s\n", p.URL, p.Line)
	for _, h := range p.Headers {
		value := h.Value
		if h.Configured {
			value = "(as configured)"
		}
		fmt.Fprintf(t.out, "> %s: %s\n", h.Name, value)
	}
	fmt.Fprintf(t.out, "> (%d bytes)\n", size)
}

func findStep(cfg *config.Config, pipelineName, name string) (config.Step, error) {
	for _, p := range cfg.Pipelines {
		for _, s := range p.Steps {
			if p.Name == pipelineName && s.Name == name {
				return s, nil
			}
		}
	}
	return config.Step{}, fmt.Errorf("pipeline %s has no step %s in this configuration", pipelineName, name)
}
