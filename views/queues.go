package views

import (
	"strings"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// QueuesProps is the list of queues that are not ours.
type QueuesProps struct {
	Page
	Dead  []pipeline.Queue // dead-letter queues
	Other []pipeline.Queue
	Empty Nothing
}

func (p QueuesProps) lede() string {
	var letters int64
	for _, q := range p.Dead {
		letters += q.Visible + q.InFlight + q.Delayed
	}
	switch {
	case len(p.Dead)+len(p.Other) == 0:
		return "Queues that are not Redrive’s own."
	case len(p.Dead) == 0:
		return Plural(len(p.Other), "queue that is not Redrive’s own", "queues that are not Redrive’s own") + ", none of them a dead-letter queue."
	case letters == 0:
		return "Nothing lies in " + Plural(len(p.Dead), "dead-letter queue", "dead-letter queues") + " that other systems give up into."
	}
	return "About " + Plural(letters, "message lies", "messages lie") + " in " + Plural(len(p.Dead), "dead-letter queue", "dead-letter queues") +
		" that other systems give up into. This list takes no message; it only counts, and SQS counts approximately."
}

func (p Page) queueHref(name string, parts ...string) templ.SafeURL {
	return Href(p.Base, append([]string{"queues", name}, parts...)...)
}

// linked tells whether a queue has a page of its own here.
func (p QueuesProps) linked(name string) bool {
	for _, list := range [][]pipeline.Queue{p.Dead, p.Other} {
		for _, q := range list {
			if q.Name == name {
				return true
			}
		}
	}
	return false
}

// queueTone is trouble where letters lie, or where nothing is known.
func queueTone(q pipeline.Queue) Tone {
	switch {
	case q.Error != "":
		return Warn
	case q.IsDeadLetterQueue() && q.Depth() > 0:
		return Fault
	default:
		return Plain
	}
}

func begin(text string, sentence bool) string {
	if sentence {
		return capital(text)
	}
	return text
}

// isPattern tells a prefix that could not be asked for from a queue.
func isPattern(name string) bool { return strings.HasSuffix(name, "*") }
