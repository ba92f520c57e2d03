package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Plan is what has to change so that everything is as the configuration says.
type Plan struct {
	Changes  []Change
	Right    int      // things that are as they should be
	Notes    []string // what this endpoint does not know, so that it is left as it is
	Problems []string // what could not be looked at, or only a person can mend
	LeftOver []string // has the prefix and belongs to nothing in the configuration; never deleted

	region string
}

// Change is one change, in words a person understands.
type Change struct {
	Text string // "create queue redrive-github-index"

	resource string // "queue redrive-github-index": if one change to it fails, later ones are not tried
	kind     kind
	creates  bool // it makes what was not there and changes nothing that was
	do       func(context.Context) error
}

// kind tells apart what a server cannot do without from what it can.
type kind int

const (
	kindHome    kind = iota // where rows and messages are
	kindSetting             // of the table
	kindAlarm
)

func (c Change) vital() bool { return c.kind == kindHome }

// Creations is the part that makes what was missing and changes nothing that
// was there.
func (p Plan) Creations() Plan { return p.only(func(c Change) bool { return c.creates }) }

func (p Plan) only(keep func(Change) bool) Plan {
	part := Plan{Right: p.Right, region: p.region}
	for _, c := range p.Changes {
		if keep(c) {
			part.Changes = append(part.Changes, c)
		}
	}
	return part
}

// Lines is the plan as it is shown: a line a change, then what else there is to
// say, then the sum.
func (p Plan) Lines() []string {
	var lines []string
	for _, c := range p.Changes {
		lines = append(lines, c.Text)
	}
	for _, text := range p.Notes {
		lines = append(lines, "left as it is: "+text)
	}
	for _, text := range p.LeftOver {
		lines = append(lines, "left over: "+text)
	}
	for _, text := range p.Problems {
		lines = append(lines, "problem: "+text)
	}
	return append(lines, fmt.Sprintf("%s in %s, %d as it should be", counted(len(p.Changes), "change"), p.region, p.Right))
}

// Plan compares what there is with what should be. It changes nothing. The
// error is of what makes the rest pointless: no answer, no credentials.
func (p *Provisioner) Plan(ctx context.Context) (Plan, error) {
	d := p.compare(ctx, true)
	p.planLeftOver(d)
	return d.Plan, p.reached(d.err)
}

// compare plans for what is Redrive's, with or without the alarms.
func (p *Provisioner) compare(ctx context.Context, alarms bool) *draft {
	d := &draft{ctx: ctx, Plan: Plan{region: p.region}}
	p.planTable(d)
	p.planQueues(d)
	if alarms {
		p.planAlarms(d)
	}
	// A queue is created before one that names it is changed.
	slices.SortStableFunc(d.Changes, func(a, b Change) int { return a.order() - b.order() })
	return d
}

func (c Change) order() int {
	if c.creates {
		return 0
	}
	return 1
}

// draft is a plan being made. Once err is set the rest is left out.
type draft struct {
	Plan
	ctx context.Context // of one call of Plan, no longer
	err error
}

func (d *draft) add(c Change) { d.Changes = append(d.Changes, c) }

// note says once what is left as it is.
func (d *draft) note(text string) {
	if !slices.Contains(d.Notes, text) {
		d.Notes = append(d.Notes, text)
	}
}

// ok tells whether something could be looked at. If not, it says why.
func (d *draft) ok(what string, err error) bool {
	switch {
	case err == nil:
		return true
	case isUnknown(err):
		d.note(what + ": this endpoint does not know it")
	case codeOf(err) == "" || isRejected(err):
		d.err = cmp.Or(d.err, err)
	default:
		d.Problems = append(d.Problems, said(err))
	}
	return false
}

// over tells whether going on is pointless.
func (d *draft) over() bool { return d.err != nil || d.ctx.Err() != nil }

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listed joins names as a sentence does: a, b and c.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
