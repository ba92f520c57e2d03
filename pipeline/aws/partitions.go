package aws

import (
	"context"
	"slices"
	"sync"
	"time"
)

// partitions is the register of where rows lie: one entry for each hour and
// shard of a pipeline that has any, written before the first row there. A list
// asks it instead of trying every hour.
type partitions struct {
	table *table

	mu    sync.Mutex
	known map[string]map[partition]bool // by pipeline; written or read by this process
	pace  map[string]*pace
}

// pace is how many rows of a pipeline this process stores in a second: more
// need more shards, since one partition takes 1,000 writes a second.
type pace struct {
	second, rows int64
	shards       int
}

const (
	pipelinesPK = "P"
	shardRows   = 100 // rows a second for which one shard is enough, at five writes each
)

func newPartitions(t *table) *partitions {
	return &partitions{table: t, known: map[string]map[partition]bool{}, pace: map[string]*pace{}}
}

func registerPK(name string) string { return "P#" + name }

// shard chooses one for a row stored now.
func (p *partitions) shard(name string, now time.Time, chance int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	pc := p.pace[name]
	if pc == nil {
		pc = &pace{shards: 1}
		p.pace[name] = pc
	}
	if s := now.Unix(); s != pc.second {
		pc.second, pc.rows = s, 0
	}
	pc.rows++
	if want := min(int(pc.rows/shardRows)+1, mostShards); want > pc.shards {
		pc.shards = want
	}
	return chance % pc.shards
}

// keep registers a partition before a row is stored there.
func (p *partitions) keep(ctx context.Context, name string, part partition) error {
	p.mu.Lock()
	known, first := p.known[name][part], p.known[name] == nil
	p.mu.Unlock()
	if known {
		return nil
	}
	if first {
		if err := p.table.put(ctx, keyOf(pipelinesPK, name)); err != nil {
			return err
		}
	}
	it := keyOf(registerPK(name), part.sk())
	if err := p.table.put(ctx, it, isNew()); err != nil && !refused(err) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[name] == nil {
		p.known[name] = map[partition]bool{}
	}
	p.known[name][part] = true
	return nil
}

// forget lets a partition be registered again.
func (p *partitions) forget(e entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known[e.pipeline], e.partition)
}

// pipelines are the names of all that ever had a row.
func (p *partitions) pipelines(ctx context.Context) ([]string, error) {
	items, err := p.table.all(ctx, query{pk: pipelinesPK, strong: true})
	if err != nil {
		return nil, err
	}
	list := make([]string, len(items))
	for i, it := range items {
		list[i] = it.str(attrSK)
	}
	return list, nil
}

// entry is a partition of a pipeline.
type entry struct {
	partition
	pipeline string
}

// entries are a pipeline's partitions from one hour to another, both included,
// oldest first.
func (p *partitions) entries(ctx context.Context, name string, from, to int64) ([]entry, error) {
	items, err := p.table.all(ctx, query{pk: registerPK(name), from: partition{hour: max(from, 0)}.sk(), to: partition{hour: min(to, 9_999_999), shard: 99}.sk(), strong: true})
	if err != nil {
		return nil, err
	}
	list := make([]entry, 0, len(items))
	for _, it := range items {
		if part, ok := parsePartition(name, it.str(attrSK)); ok {
			list = append(list, entry{partition: part, pipeline: name})
		}
	}
	return list, nil
}

// hours groups partitions by their hour, in order.
func hours(list []entry, descending bool) [][]entry {
	slices.SortFunc(list, func(a, b entry) int {
		if descending {
			return int(b.hour - a.hour)
		}
		return int(a.hour - b.hour)
	})
	var groups [][]entry
	for i, e := range list {
		if i == 0 || e.hour != list[i-1].hour {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], e)
	}
	return groups
}
