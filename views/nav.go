package views

import (
	"slices"

	"github.com/a-h/templ"
)

// Section names an entry of the navigation; it is also the path of its page.
type Section string

// The sections.
const (
	SectionOverview    Section = "overview"
	SectionRows        Section = "rows"
	SectionDeadLetters Section = "dead-letters"
	SectionRedrives    Section = "redrives"
	SectionBreakers    Section = "breakers"
	SectionSweeps      Section = "sweeps"
	SectionAlarms      Section = "alarms"
	SectionFaults      Section = "faults"
	SectionQueues      Section = "queues"
	SectionAudit       Section = "audit"
	SectionSettings    Section = "settings"
)

type navItem struct {
	Section     Section
	Icon, Label string
	Phone       string // the label in the bar of five; empty: behind "More"
	Key         string // g and this letter
	Tally       int64
	TallyWord   string // read after the number
	GapBefore   bool
}

func (p Page) nav() []navItem {
	t := p.Tallies
	items := []navItem{
		{Section: SectionOverview, Icon: "line", Label: "Overview", Phone: "Overview", Key: "o"},
		{Section: SectionRows, Icon: "rows", Label: "Rows", Phone: "Rows", Key: "r"},
		{Section: SectionDeadLetters, Icon: "letter", Label: "Dead letters", Phone: "Dead", Key: "d", Tally: t.DeadLetters, TallyWord: "dead letters"},
		{Section: SectionRedrives, Icon: "redrive", Label: "Redrives", Key: "e"},
		{Section: SectionBreakers, Icon: "switch", Label: "Breakers", Phone: "Breakers", Key: "b", Tally: t.BreakersOpen, TallyWord: "open", GapBefore: true},
		{Section: SectionSweeps, Icon: "sweep", Label: "Sweeps", Key: "s"},
		{Section: SectionAlarms, Icon: "alarm", Label: "Alarms", Key: "a", Tally: t.Alarms, TallyWord: "in alarm"},
		{Section: SectionFaults, Icon: "fault", Label: "Faults", Key: "f"},
		{Section: SectionAudit, Icon: "audit", Label: "Audit", Key: "u", GapBefore: true},
		{Section: SectionSettings, Icon: "settings", Label: "Settings", Key: ","},
	}
	if p.Queues {
		items = slices.Insert(items, len(items)-2, navItem{Section: SectionQueues, Icon: "queue", Label: "Queues", Key: "q"})
	}
	return items
}

func (p Page) navHref(s Section) templ.SafeURL {
	if s == SectionOverview {
		return templ.SafeURL(p.Base)
	}
	return Href(p.Base, s)
}

// behindMore says whether the current page is one the phone keeps behind "More".
func (p Page) behindMore() bool {
	for _, item := range p.nav() {
		if item.Section == p.Section {
			return item.Phone == ""
		}
	}
	return false
}

// moreTally counts what hides behind "More", so that a phone shows an alarm too.
func (p Page) moreTally() int64 {
	var n int64
	for _, item := range p.nav() {
		if item.Phone == "" {
			n += item.Tally
		}
	}
	return n
}
