package aws

// names makes the names of queues and of the table.
type names struct {
	prefix string
	table  string
}

func namesOf(cfg Config) names {
	n := names{prefix: cfg.Prefix, table: cfg.Table}
	if n.table == "" {
		n.table = cfg.Prefix + "rows"
	}
	return n
}

// queue is the name of a step's queue.
func (n names) queue(pipeline, step string) string { return n.prefix + pipeline + "-" + step }

// dead is the name of a step's dead-letter queue.
func (n names) dead(pipeline, step string) string { return n.queue(pipeline, step) + "-dlq" }
