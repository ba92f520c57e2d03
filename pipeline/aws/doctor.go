package aws

import (
	"fmt"
	"slices"
	"strings"

	"redrive/pipeline"
)

// Missing is what a configuration needs and AWS does not have, by name.
type Missing struct {
	Table   string   // empty: it is there
	Expiry  bool     // the table is there and does not delete what is old
	Queues  []string // of steps
	Alarms  []string
	Sources []string // queues that pipelines read; not Redrive's to create
	Others  []string // queues the console looks into or steps hand over to; neither are these

	region string
	all    bool     // nothing that is Redrive's is there
	blind  bool     // CloudWatch did not answer
	notes  []string // what could not be looked at and does not have to be
}

// Any tells whether something is missing that is Redrive's.
func (m Missing) Any() bool { return m.Table != "" || len(m.Queues) > 0 || len(m.Alarms) > 0 }

// creatable tells whether there is something to make, be it only a setting.
func (m Missing) creatable() bool { return m.Any() || m.Expiry }

// Err is a sentence that names all that rows cannot be taken in and worked on
// without; nil if it is there.
func (m Missing) Err() error {
	var parts []string
	if ours := m.ours(); ours != "" {
		parts = append(parts, ours)
	}
	for _, name := range m.Sources {
		parts = append(parts, m.absent("source_queue "+name))
	}
	if len(parts) == 0 {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: strings.Join(parts, "; ")}
}

func (m Missing) absent(resource string) string { return elsewhere(resource, m.region) }

func elsewhere(resource, region string) string {
	return fmt.Sprintf("%s does not exist in %s, and it is not Redrive's to create: create it or correct its name", resource, region)
}

func (m Missing) ours() string {
	var what []string
	if m.Table != "" {
		what = append(what, "table "+m.Table)
	}
	switch len(m.Queues) {
	case 0:
	case 1:
		what = append(what, "queue "+m.Queues[0])
	default:
		what = append(what, counted(len(m.Queues), "queue"))
	}
	if len(what) == 0 {
		return ""
	}
	text := listed(what) + " do not exist in " + m.region
	if len(what) == 1 && len(m.Queues) < 2 {
		text = what[0] + " does not exist in " + m.region
	}
	if len(m.Queues) > 1 {
		text += ": " + strings.Join(m.Queues, ", ")
	}
	if m.all {
		text += "; nothing of this configuration is there: see whether aws.region is right, then"
	} else {
		text += ";"
	}
	return text + " set aws.provision: true and run `server provision`, or create them from `server provision --print cloudformation`"
}

// Warnings are sentences on what else is missing.
func (m Missing) Warnings() []string {
	var list []string
	if m.Expiry {
		list = append(list, "time to live is off on the table, so that rows are never deleted, however old: `server provision` turns it on")
	}
	if len(m.Alarms) > 0 {
		list = append(list, fmt.Sprintf("%s missing in CloudWatch, and nothing will be told of what they are for (%s): `server provision` creates them",
			counted(len(m.Alarms), "alarm"), strings.Join(m.Alarms, ", ")))
	}
	return slices.Concat(list, m.Elsewhere(), m.notes)
}

// Elsewhere are sentences on what is missing and belongs to others.
func (m Missing) Elsewhere() []string {
	var list []string
	for _, name := range m.Sources {
		list = append(list, m.absent("source_queue "+name))
	}
	for _, name := range m.Others {
		list = append(list, m.absent("queue "+name))
	}
	return list
}
