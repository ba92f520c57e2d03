package views

import (
	"fmt"
	"strings"

	"redrive/pipeline"
)

// instancesSentence says how many processes run, and whether one is missing.
func instancesSentence(list []pipeline.InstanceView) string {
	running, gone := 0, 0
	for _, i := range list {
		if i.State == pipeline.InstanceGone {
			gone++
		} else {
			running++
		}
	}
	text := fmt.Sprintf("%d %s on this store", running, plural(running, "process runs", "processes run"))
	if gone > 0 {
		text += fmt.Sprintf("; %d went without a word, and what it did is taken over", gone)
	}
	return text
}

func instanceDoes(i pipeline.InstanceView) string {
	switch i.Runs {
	case pipeline.OnlyConsole:
		return "pages, API, intake"
	case pipeline.OnlyWorkers:
		return "steps, sweep, alarms"
	}
	return "everything"
}

func instanceNotes(i pipeline.InstanceView) string {
	var notes []string
	if i.Self {
		notes = append(notes, "answers this page")
	}
	if i.Leads {
		notes = append(notes, "judges the alarms")
	}
	if i.Version != "" {
		notes = append(notes, "version "+i.Version)
	}
	return strings.Join(notes, ", ")
}

func instanceTone(s pipeline.InstanceState) Tone {
	switch s {
	case pipeline.InstanceGone:
		return Fault
	case pipeline.InstanceStopping:
		return Warn
	}
	return Live
}

// instanceCalls are the calls a process makes at the moment.
func instanceCalls(i pipeline.InstanceView) int {
	n := 0
	for _, s := range i.Steps {
		n += s.Running
	}
	return n
}
