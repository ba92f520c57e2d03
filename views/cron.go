package views

import (
	"strconv"
	"strings"
)

// CronWords says a schedule of five fields as people do: "every 3 hours, on the
// hour". What has no short sentence stays as it is written.
func CronWords(spec string) string {
	fields := strings.Fields(spec)
	if len(fields) != 5 {
		return spec
	}
	minute, hour, day, month, weekday := fields[0], fields[1], fields[2], fields[3], fields[4]
	if month != "*" {
		return spec
	}
	words, ok := "", false
	switch {
	case day == "*" && weekday == "*":
		words, ok = cronEveryDay(minute, hour)
	case day == "*":
		words, ok = cronOnDays(minute, hour, weekday)
	case weekday == "*":
		words, ok = cronOfMonth(minute, hour, day)
	}
	if !ok {
		return spec
	}
	return words
}

func cronEveryDay(minute, hour string) (string, bool) {
	step, stepped := cronStep(minute, 60)
	at, fixed := cronNumber(minute, 0, 59)
	hours, everyHours := cronStep(hour, 24)
	switch {
	case stepped && hour == "*":
		words := cronEvery(step, "minute")
		if 60%step != 0 {
			words += " from the full hour"
		}
		return words, true
	case fixed && everyHours:
		words := cronEvery(hours, "hour")
		if 24%hours != 0 {
			words += " from midnight"
		}
		return words + ", " + cronPast(at), true
	case fixed:
		times, ok := cronTimes(at, hour)
		return "every day at " + times, ok
	}
	return "", false
}

func cronOnDays(minute, hour, weekday string) (string, bool) {
	at, fixed := cronNumber(minute, 0, 59)
	times, ok := cronTimes(at, hour)
	days, known := cronWeekdays(weekday)
	return days + " at " + times, fixed && ok && known
}

func cronOfMonth(minute, hour, day string) (string, bool) {
	at, fixed := cronNumber(minute, 0, 59)
	times, ok := cronTimes(at, hour)
	_, known := cronNumber(day, 1, 31)
	return "on day " + day + " of every month at " + times, fixed && ok && known
}

// cronStep reads "*" as 1 and "*/3" as 3, if it is less than the whole.
func cronStep(field string, whole int) (int, bool) {
	if field == "*" {
		return 1, true
	}
	rest, ok := strings.CutPrefix(field, "*/")
	if !ok {
		return 0, false
	}
	return cronNumber(rest, 1, whole-1)
}

func cronNumber(field string, low, high int) (int, bool) {
	n, err := strconv.Atoi(field)
	return n, err == nil && n >= low && n <= high
}

// cronTimes are the times of a list of hours: "06:00 and 18:00".
func cronTimes(minute int, hours string) (string, bool) {
	var times []string
	for h := range strings.SplitSeq(hours, ",") {
		n, ok := cronNumber(h, 0, 23)
		if !ok {
			return "", false
		}
		times = append(times, twoDigits(n)+":"+twoDigits(minute))
	}
	return AndList(times), true
}

func cronWeekdays(field string) (string, bool) {
	switch strings.ToLower(field) {
	case "1-5", "mon-fri":
		return "on weekdays", true
	case "0,6", "6,0", "6,7", "sat,sun":
		return "on Saturday and Sunday", true
	}
	names := []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	var days []string
	for part := range strings.SplitSeq(field, ",") {
		n, ok := cronNumber(part, 0, 7)
		for i, name := range names[:7] {
			if strings.EqualFold(part, name[:3]) {
				n, ok = i, true
			}
		}
		if !ok {
			return "", false
		}
		days = append(days, names[n])
	}
	return "every " + AndList(days), true
}

func cronEvery(n int, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return "every " + strconv.Itoa(n) + " " + unit + "s"
}

func cronPast(minute int) string {
	if minute == 0 {
		return "on the hour"
	}
	return Plural(minute, "minute", "minutes") + " past"
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// AndList joins names as a sentence does: "index, notify and archive".
func AndList(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
