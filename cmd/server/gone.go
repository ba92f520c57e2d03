package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// goneMost bounds how many rows of a status are looked at for steps that are gone.
const goneMost = 10000

// tellOfGone warns of steps that the configuration no longer has and that still
// hold rows in the store, if there is one. It may be in use.
func (c *cli) tellOfGone(ctx context.Context, t terminal, cfg *config.Config) error {
	if cfg.Backend == "aws" {
		return nil // --check asks nobody; the overview tells
	}
	if _, err := os.Stat(filepath.Join(cfg.Embedded.Path, sqlite.FileName)); err != nil {
		return nil //nolint:nilerr // nothing is stored so far
	}
	db, err := sqlite.OpenReadOnly(ctx, sqlite.Config{Path: cfg.Embedded.Path})
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	held := map[pipeline.StepKey]int{}
	for _, status := range []pipeline.Status{pipeline.StatusAccepted, pipeline.StatusInProgress, pipeline.StatusDead} {
		if err := countGone(ctx, cfg, db.Backend().Rows, status, held); err != nil {
			return err
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(held), byName) {
		fmt.Fprintf(t.err, "%s: step %s is no longer part of pipeline %s; %d rows wait there and nobody takes them\n", c.Config, key.Step, key.Pipeline, held[key])
	}
	return nil
}

// tellOfExposed warns of a store that others on this machine get at.
func (c *cli) tellOfExposed(t terminal, cfg *config.Config) {
	if cfg.Backend == "aws" {
		return
	}
	for _, exposed := range sqlite.Exposed(cfg.Embedded.Path) {
		fmt.Fprintf(t.err, "%s: %s\n", c.Config, exposed)
	}
}

// countGone adds up the rows of a status that are held by steps not configured.
func countGone(ctx context.Context, cfg *config.Config, rows pipeline.RowStore, status pipeline.Status, held map[pipeline.StepKey]int) error {
	f := pipeline.RowFilter{Status: status, Limit: 500}
	for seen := 0; seen < goneMost; {
		page, err := rows.List(ctx, f)
		if err != nil {
			return err
		}
		for _, row := range page.Items {
			for _, flag := range row.Steps {
				if _, err := findStep(cfg, row.Pipeline, flag.Name); err != nil && flag.State != pipeline.StateWaiting && flag.State != pipeline.StateProcessed {
					held[pipeline.StepKey{Pipeline: row.Pipeline, Step: flag.Name}]++
				}
			}
		}
		seen += len(page.Items)
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	return nil
}

func byName(a, b pipeline.StepKey) int {
	return cmp.Or(cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Step, b.Step))
}
