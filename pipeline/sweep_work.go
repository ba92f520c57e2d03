package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// work is the sweep itself, in the background.
func (s *Sweeps) work(ctx context.Context, sweep *Sweep, stuckAfter time.Duration) {
	found, err := s.sweep(ctx, sweep, stuckAfter)
	done := context.WithoutCancel(ctx)
	sweep.State, sweep.FinishedAt = SweepDone, time.Now().UTC()
	if err != nil {
		sweep.State, sweep.Error = SweepFailed, err.Error()
		s.e.log.WarnContext(done, "sweep", "sweep", sweep.ID, "error", err)
	}
	s.end(ctx, sweep)
	if sweep.State == SweepDone && !sweep.DryRun {
		s.measure(done, sweep, found)
	}
	s.mu.Lock()
	s.running = nil
	s.mu.Unlock()
	s.e.Events.Touch(TopicSweeps, TopicRows, TopicOverview)
}

// end stores the sweep's last state, again and again while the store is down.
func (s *Sweeps) end(ctx context.Context, sweep *Sweep) {
	for {
		err := s.save(context.WithoutCancel(ctx), sweep, nil)
		if err == nil {
			return
		}
		s.e.log.WarnContext(ctx, "sweep", "sweep", sweep.ID, "error", err)
		if ctx.Err() != nil || errors.Is(err, ErrVersion) {
			return
		}
		sleep(ctx, storeDownFor)
	}
}

// sweep answers how many stuck steps it found, by pipeline.
func (s *Sweeps) sweep(ctx context.Context, sweep *Sweep, stuckAfter time.Duration) (map[string]int64, error) {
	found := map[string]int64{}
	for _, p := range s.e.cfg.Pipelines {
		if sweep.Pipeline != "" && sweep.Pipeline != p.Name {
			continue
		}
		before := sweep.Stuck
		if err := s.sweepPipeline(ctx, sweep, p.Name, sweep.StartedAt.Add(-stuckAfter)); err != nil {
			return nil, err
		}
		found[p.Name] = sweep.Stuck - before
	}
	return found, nil
}

func (s *Sweeps) sweepPipeline(ctx context.Context, sweep *Sweep, pipeline string, before time.Time) error {
	for cursor := ""; ; {
		page, err := s.e.backend.Rows.Unfinished(ctx, pipeline, before, cursor, sweepPage)
		if err != nil {
			return fmt.Errorf("looking for stuck rows of %s: %w", pipeline, err)
		}
		if err := s.sweepRows(ctx, sweep, page.Items); err != nil {
			return err
		}
		if err := s.save(ctx, sweep, nil); err != nil {
			return err
		}
		s.mu.Lock()
		*s.running = *sweep
		s.mu.Unlock()
		s.e.Events.Touch(TopicSweeps)
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func (s *Sweeps) sweepRows(ctx context.Context, sweep *Sweep, rows []Row) error {
	var moves []Move
	var found []Stuck
	for i := range rows {
		g, err := s.e.graphs.get(ctx, rows[i].Graph)
		if err != nil {
			return err
		}
		for _, stuck := range stuckSteps(g, &rows[i]) {
			found = append(found, stuck)
			moves = append(moves, Move{Row: stuck.Row, Step: stuck.Step, If: StateWaiting, At: time.Now().UTC()})
		}
	}
	sweep.Scanned += int64(len(rows))
	sweep.Stuck += int64(len(found))
	sweep.Rows = append(sweep.Rows, found[:min(len(found), sweepRowsMost-len(sweep.Rows))]...)
	if sweep.DryRun || len(moves) == 0 {
		return nil
	}
	errs, err := s.e.backend.Moves.Requeue(ctx, nil, moves...)
	if err != nil {
		return fmt.Errorf("requeueing stuck rows: %w", err)
	}
	for _, err := range errs {
		if err == nil {
			sweep.Requeued++
		}
	}
	return nil
}

// stuckSteps are the steps of a row that should be in a queue and are in none:
// every need is processed, and yet nothing was triggered.
func stuckSteps(g *Graph, row *Row) []Stuck {
	var list []Stuck
	for _, n := range g.Nodes() {
		if f, ok := row.Flag(n.Name); ok && f.State != StateWaiting {
			continue
		}
		if len(unmet(g, row, n.Name)) > 0 {
			continue
		}
		list = append(list, Stuck{Row: row.ID, Step: n.Name, Why: whyStuck(row, n)})
	}
	return list
}

func whyStuck(row *Row, n Node) string {
	if len(n.Needs) == 0 {
		return fmt.Sprintf("the row was accepted at %s and never queued here", row.CreatedAt.UTC().Format(time.RFC3339))
	}
	var last time.Time
	alone := false
	for _, need := range n.Needs {
		if f, ok := row.Flag(need); ok {
			if f.ProcessedAt.After(last) {
				last = f.ProcessedAt
			}
			alone = alone || f.Alone
		}
	}
	why := fmt.Sprintf("%s processed by %s, and this step was never queued", strings.Join(n.Needs, " and "), last.UTC().Format(time.RFC3339))
	if alone {
		why += ": it was replayed alone, without what follows"
	}
	return why
}

// measure writes the sweep's own finding, which has an alarm: of all together
// and of each pipeline.
func (s *Sweeps) measure(ctx context.Context, sweep *Sweep, found map[string]int64) {
	found[""] = sweep.Stuck
	var points []Point
	for pipeline, stuck := range found {
		n := float64(stuck)
		points = append(points, Point{Metric: MetricStuckRows, Dimensions: Dimensions{Pipeline: pipeline},
			At: sweep.FinishedAt.Truncate(Resolution), Sum: n, Count: 1, Min: n, Max: n})
	}
	if err := s.e.backend.Metrics.Put(ctx, points...); err != nil {
		s.e.log.WarnContext(ctx, "storing a sweep's finding", "error", err)
	}
}
