package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// work is the sweep itself, in the background. It stops when its lease is lost.
func (s *Sweeps) work(held *lease, sweep *Sweep, stuckAfter time.Duration) {
	ctx := held.ctx
	found, err := s.sweep(ctx, sweep, stuckAfter)
	done := context.WithoutCancel(ctx)
	sweep.State, sweep.FinishedAt = SweepDone, time.Now().UTC()
	if err != nil {
		sweep.State, sweep.Error = SweepFailed, err.Error()
		s.e.log.WarnContext(done, "sweep", "sweep", sweep.ID, "error", err)
	}
	if errors.Is(err, context.Canceled) && s.life.Err() == nil {
		sweep.Error = "given up: this process could not show the others that it lives"
	}
	s.end(ctx, sweep)
	s.e.fleet.forget(held)
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
	done := context.WithoutCancel(ctx)
	for {
		free, err := s.freed(done)
		if err == nil {
			err = s.save(done, sweep, nil, nil, free)
		}
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
	queues := s.queues()
	for _, p := range s.e.cfg.Pipelines {
		if sweep.Pipeline != "" && sweep.Pipeline != p.Name {
			continue
		}
		before := sweep.Stuck
		if err := s.sweepPipeline(ctx, sweep, queues, p.Name, sweep.StartedAt.Add(-stuckAfter)); err != nil {
			return nil, err
		}
		found[p.Name] = sweep.Stuck - before
	}
	return found, queues.failed
}

func (s *Sweeps) sweepPipeline(ctx context.Context, sweep *Sweep, queues *emptied, pipeline string, before time.Time) error {
	for cursor := ""; ; {
		page, err := s.e.backend.Rows.Unfinished(ctx, pipeline, before, cursor, sweepPage)
		if err != nil {
			return fmt.Errorf("looking for stuck rows of %s: %w", pipeline, err)
		}
		if err := s.sweepRows(ctx, sweep, queues, page.Items, before); err != nil {
			return err
		}
		if err := s.save(ctx, sweep, nil, nil, nil); err != nil {
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

func (s *Sweeps) sweepRows(ctx context.Context, sweep *Sweep, queues *emptied, rows []Row, before time.Time) error {
	var moves []Move
	var found []Stuck
	for i := range rows {
		g, err := s.e.graphs.get(ctx, rows[i].Graph)
		if err != nil {
			return err
		}
		for _, lost := range append(untriggered(g, &rows[i]), queues.lost(ctx, &rows[i], before)...) {
			found = append(found, lost.Stuck)
			moves = append(moves, Move{Row: lost.Row, Step: lost.Step, If: lost.state, At: time.Now().UTC()})
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
