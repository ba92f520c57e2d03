package config

import (
	"fmt"
	"slices"
	"strings"
)

// queues are those the file speaks of, and where.
type queues struct {
	steps   []queueUse // a queue and a dead-letter queue each
	sources []queueUse
	targets []queueUse // of SQS steps
	foreign []queueUse
}

type queueUse struct {
	pipeline, step string
	queue, prefix  string
	line           int
}

func (u queueUse) String() string {
	if u.step == "" {
		return fmt.Sprintf("pipeline %q", u.pipeline)
	}
	return fmt.Sprintf("step %q of pipeline %q", u.step, u.pipeline)
}

// checkQueues looks whether each queue on SQS has a name it can have and one use.
func (r *reader) checkQueues(c *Config) {
	if r.backend != "aws" {
		return
	}
	ours := r.checkStepQueues(c.AWS.Prefix)
	r.checkSources(ours)
	r.checkTargets(ours)
	r.checkForeign(ours)
}

// checkStepQueues gives the names of all queues that belong to steps.
func (r *reader) checkStepQueues(prefix string) map[string]queueUse {
	ours := map[string]queueUse{}
	for _, use := range r.queues.steps {
		name := prefix + use.pipeline + "-" + use.step
		dead := name + "-dlq"
		if n := len(dead); n > maxQueueName {
			r.mistake(use.line, fmt.Sprintf("shorten aws.prefix, pipeline or step by %d", n-maxQueueName),
				"%s would have a dead-letter queue %q of %d characters, and SQS allows %d", use, dead, n, maxQueueName)
		}
		for _, q := range []string{name, dead} {
			if other, taken := ours[q]; taken {
				r.mistake(use.line, "give one of them another name", "%s and %s would share the queue %q", use, other, q)
				break
			}
		}
		ours[name], ours[dead] = use, use
	}
	return ours
}

func (r *reader) checkSources(ours map[string]queueUse) {
	seen := map[string]queueUse{}
	for _, use := range r.queues.sources {
		if owner, taken := ours[use.queue]; taken {
			r.mistake(use.line, "name the queue others send to", "source_queue %q belongs to %s", use.queue, owner)
		}
		if other, twice := seen[use.queue]; twice {
			r.mistake(use.line, "give each its own queue", "source_queue %q is read by %s too: each message would come to one of the two by chance", use.queue, other)
		}
		seen[use.queue] = use
	}
}

// checkTargets finds rows that would be handed back to where they came from.
func (r *reader) checkTargets(ours map[string]queueUse) {
	for _, use := range r.queues.targets {
		if owner, taken := ours[use.queue]; taken {
			r.mistake(use.line, "name a queue that another system reads", "queue %q belongs to %s", use.queue, owner)
		}
		same := func(source queueUse) bool { return source.pipeline == use.pipeline && source.queue == use.queue }
		if use.queue != "" && slices.ContainsFunc(r.queues.sources, same) {
			r.mistake(use.line, "name another queue", "queue %q is the source_queue of the same pipeline: its rows would go round for ever", use.queue)
		}
	}
}

func (r *reader) checkForeign(ours map[string]queueUse) {
	for _, use := range r.queues.foreign {
		if owner, taken := ours[use.queue]; taken {
			r.mistake(use.line, "take it out: steps have pages of their own", "queue %q belongs to %s", use.queue, owner)
		}
		if use.prefix == "" {
			continue
		}
		for name := range ours {
			if strings.HasPrefix(name, use.prefix) {
				r.warn(use.line, "prefix %q also begins the names of this configuration's own queues, which have pages of their own", use.prefix)
				break
			}
		}
	}
}
