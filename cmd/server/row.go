package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/aws"
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
	account, err := login(ctx, cfg)
	if err != nil {
		return t.fail(plain(err))
	}
	rows, done, err := openRows(ctx, cfg, account)
	if err != nil {
		return t.fail(plain(err))
	}
	defer done()
	row, err := rows.Get(ctx, c.Run.Row)
	if errors.Is(err, pipeline.ErrNotFound) {
		return t.fail(fmt.Errorf("there is no row %s in %s", c.Run.Row, placeOf(cfg)))
	}
	if err != nil {
		return t.fail(plain(err))
	}
	return c.call(ctx, t, cfg, account, row)
}

// openRows opens the store for reading rows, while a server may run.
func openRows(ctx context.Context, cfg *config.Config, account *aws.Account) (pipeline.RowStore, func(), error) {
	if cfg.Backend == "aws" {
		return aws.Rows(ctx, awsConfig(cfg, account)), func() {}, nil
	}
	db, err := sqlite.OpenReadOnly(ctx, sqlite.Config{Path: cfg.Embedded.Path})
	if err != nil {
		return nil, nil, err
	}
	return db.Backend().Rows, func() { _ = db.Close() }, nil // nothing was written
}

// placeOf is where rows are, for a sentence.
func placeOf(cfg *config.Config) string {
	if cfg.Backend == "aws" {
		return "table " + cmp.Or(cfg.AWS.Table, cfg.AWS.Prefix+"rows")
	}
	return cfg.Embedded.Path
}

func (c *cli) call(ctx context.Context, t terminal, cfg *config.Config, account *aws.Account, row pipeline.RowDetail) int {
	step, err := findStep(cfg, row.Pipeline, c.Run.Step)
	if err != nil {
		return t.fail(err)
	}
	caller, err := stepCaller(step, account)
	if err != nil {
		return t.fail(err)
	}
	flag, _ := row.Flag(step.Name)
	call := pipeline.Call{Row: row.ID, Pipeline: row.Pipeline, Step: step.Name, Attempt: flag.Attempts + 1,
		ContentType: row.ContentType, Trace: row.Trace, Payload: row.Payload}
	preview, err := caller.Preview(call)
	if err != nil {
		return t.fail(err)
	}
	body := row.Payload
	if preview.Body != nil {
		body = preview.Body
	}
	t.show(preview, len(body))
	if c.Run.DryRun {
		fmt.Fprintf(t.out, "\n%s\n\nDry run: nothing was sent. Nothing was written to the row.\n", body)
		return exitFine
	}
	a := caller.Call(ctx, call)
	fmt.Fprintf(t.out, "\n< %d %s\n", a.StatusCode, cmp.Or(a.Error, "processed"))
	if len(a.Result) > 0 {
		fmt.Fprintf(t.out, "%s\n", a.Result)
	}
	fmt.Fprintln(t.out, "Nothing was written to the row: its flags and attempts are as before.")
	if a.Kind != pipeline.AnswerProcessed {
		return exitFailed
	}
	return exitFine
}

// show prints the request, without the values of configured headers, which may
// be secrets.
func (t terminal) show(p steps.Preview, size int) {
	fmt.Fprintf(t.out, "> %s\n> %s\n", withoutQuery(p.URL), lineWithoutQuery(p.Line))
	for _, h := range p.Headers {
		value := h.Value
		if h.Configured {
			value = "(as configured)"
		}
		fmt.Fprintf(t.out, "> %s: %s\n", h.Name, value)
	}
	fmt.Fprintf(t.out, "> (%d bytes)\n", size)
}

// lineWithoutQuery is withoutQuery for a request line.
func lineWithoutQuery(line string) string {
	address, protocol, _ := strings.Cut(line, " HTTP/")
	if protocol == "" {
		return line
	}
	return withoutQuery(address) + " HTTP/" + protocol
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
