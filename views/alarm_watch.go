package views

import "redrive/pipeline"

// source is who watches the alarms from outside, empty if nobody does.
func (p AlarmsProps) source() string {
	for _, a := range p.List {
		if a.Watched != nil {
			return a.Watched.Source
		}
	}
	return ""
}

// silent is an alarm as it is known from a watchman who does not answer now.
func (p AlarmsProps) silent() *pipeline.WatchedAlarm {
	for _, a := range p.List {
		if silent(a.Watched) {
			return a.Watched
		}
	}
	return nil
}

func silent(w *pipeline.WatchedAlarm) bool { return w != nil && !w.FailingSince.IsZero() }

// watchedFact is how the alarm stands with the watchman.
func (p AlarmProps) watchedFact() (Fact, bool) {
	w := p.Alarm.Watched
	switch {
	case w == nil:
		return Fact{}, false
	case w.SeenAt.IsZero():
		return Fact{Label: w.Source, Value: "unknown", Note: "it never answered", Tone: Warn}, true
	case w.State == "":
		return Fact{Label: w.Source, Value: "not there", Note: "server provision creates it"}, true
	}
	_, _, word := alarmState(w.State)
	f := Fact{Label: w.Source, Value: word, Note: "for " + Age(sinceUntil(w.Since, p.Now))}
	if w.State == pipeline.AlarmOn {
		f.Tone = Fault
	}
	if silent(w) {
		f.Note = "when it last answered, " + Age(sinceUntil(w.SeenAt, p.Now)) + " ago"
	}
	return f, true
}
