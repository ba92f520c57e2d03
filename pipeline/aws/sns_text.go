package aws

import (
	"fmt"
	"strings"

	"redrive/pipeline"
	"redrive/pipeline/notify"
)

const (
	smsMost   = 160 // septets: one message
	smsBefore = 30  // septets of the reason, or of names, that a link must leave room for
)

// The alphabet of a text message (GSM 03.38). Those of the second take two
// septets each; anything else would more than halve the room.
const (
	gsmBasic    = "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€"
)

// smsText is a notice in one text message. A link is part of it where enough
// fits before it.
func smsText(n pipeline.Notice, base string) string {
	n.Alarms = notify.Latest(n)
	head, path := inert(notify.Headline(n)), "alarms"
	if n.HeldBack > 0 {
		head += fmt.Sprintf(" (%d more changes held back)", n.HeldBack)
	}
	text := head
	if len(n.Alarms) == 1 {
		path = n.Alarms[0].Path
		if reason := inert(n.Alarms[0].Reason); reason != "" {
			text += ": " + reason
		}
	} else {
		text = alarmNames(head, n, smsMost)
	}
	link := gsm(notify.Link(base, path))
	room := smsMost - 1 - septets(link)
	if link == "" || room < min(septets(text), septets(head)+smsBefore) {
		return clip(text, smsMost)
	}
	if len(n.Alarms) != 1 {
		text = alarmNames(head, n, room)
	}
	return clip(text, room) + " " + link
}

// alarmNames adds the names of the alarms, those that are on first, as far as
// they fit.
func alarmNames(text string, n pipeline.Notice, most int) string {
	var on, over []string
	for _, a := range n.Alarms {
		if a.To == pipeline.AlarmOn {
			on = append(on, inert(a.Name))
		} else {
			over = append(over, inert(a.Name)+" over")
		}
	}
	names := append(on, over...)
	sep := ": "
	for i, name := range names {
		more := fmt.Sprintf(" and %d more", len(names)-i)
		last := i == len(names)-1
		if next := text + sep + name; last && septets(next) <= most || !last && septets(next+more) <= most {
			text, sep = next, ", "
			continue
		}
		return text + more
	}
	return text
}

// inert is a text from outside of which a phone makes no link.
func inert(text string) string { return gsm(notify.Inert(text)) }

// gsm keeps to the alphabet of a text message.
func gsm(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsmBasic, r) && r != '\n' || strings.ContainsRune(gsmExtended, r) {
			return r
		}
		return '?'
	}, notify.Clean(text))
}

func septets(text string) int {
	n := 0
	for _, r := range text {
		n++
		if strings.ContainsRune(gsmExtended, r) {
			n++
		}
	}
	return n
}

// clip cuts text to so many septets.
func clip(text string, most int) string {
	if septets(text) <= most {
		return text
	}
	const dots = "..."
	n := 0
	for i, r := range text {
		n += septets(string(r))
		if n > most-len(dots) {
			return text[:i] + dots
		}
	}
	return text
}
