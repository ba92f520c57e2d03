package pipeline

import "context"

// lead takes the lead if nobody has it.
func (f *fleet) lead(ctx context.Context) error {
	if !f.e.worksSteps() || f.stopping.Load() || f.leads() {
		return nil
	}
	if holder := f.lease(leaseLeader).Holder; holder != "" && holder != f.id && f.present(holder) {
		return nil
	}
	_, err := f.take(context.WithoutCancel(ctx), leaseLeader)
	return err
}

// leads tells whether this process is the one that writes the gauges, judges
// the alarms and deletes what is over its retention.
func (f *fleet) leads() bool {
	if !f.shared {
		return true
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	l := f.held[leaseLeader]
	return l != nil && l.ctx.Err() == nil
}

// resign gives up the lead.
func (f *fleet) resign(ctx context.Context) {
	f.mu.RLock()
	l := f.held[leaseLeader]
	f.mu.RUnlock()
	if l != nil {
		f.release(ctx, l)
	}
}
