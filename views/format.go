package views

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Count writes a whole number with thousands separators and never rounds it:
// on call, the number is the fact.
func Count[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Plural writes a count with the word that fits it: "1 row", "118 rows".
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Percent writes a share between 0 and 1. It never shows 0 for something or
// 100 for not quite everything.
func Percent(share float64) string {
	p := share * 100
	switch {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return "no data"
	case p == 0:
		return "0 %"
	case p == 100:
		return "100 %"
	case p > 0 && p < 0.01:
		return "under 0.01 %"
	case p < 10:
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	case p > 99.9 && p < 100:
		return strconv.FormatFloat(math.Min(math.Floor(p*100)/100, 99.99), 'f', 2, 64) + " %"
	default:
		return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + " %"
	}
}

// Rate writes how many a second: "3.2/s", "50/s".
func Rate(perSecond float64) string { return Decimal(perSecond) + "/s" }

// Decimal writes a number with at most one decimal below ten thousand.
func Decimal(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "no data"
	case v != 0 && math.Abs(v) < 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v == math.Trunc(v) || math.Abs(v) >= 10_000:
		return Count(int64(math.Round(v)))
	case math.Abs(v) >= 1000:
		whole, part := math.Modf(math.Round(v*10) / 10)
		return Count(int64(whole)) + strings.TrimPrefix(strconv.FormatFloat(math.Abs(part), 'f', 1, 64), "0")
	default:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
}

// Bytes writes a size; below a hundred thousand it is exact.
func Bytes(n int64) string {
	switch {
	case n < 100_000:
		return Plural(n, "byte", "bytes")
	case n < 1_000_000:
		return Count(n/1000) + " kB"
	case n < 1_000_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	default:
		return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + " GB"
	}
}

// Duration writes how long something took: "41 ms", "4.2 s", "42 s", "22 m 10 s", "3 h 12 m".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Millisecond && d > 0:
		return "under 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return pair(int(d.Minutes()), "m", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return pair(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	default:
		return pair(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
	}
}

// Age writes how long ago in one unit: "23 s", "5 m", "3 h", "6 d". The same
// steps are in static/js/times.js, which keeps ages true between two refreshes.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d.Seconds()))) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	default:
		return strconv.Itoa(int(d.Hours())/24) + " d"
	}
}

// Long writes a duration in words, for sentences: "22 minutes", "1 hour".
func Long(d time.Duration) string {
	switch {
	case d < time.Minute:
		return Plural(max(0, int(d.Seconds())), "second", "seconds")
	case d < time.Hour:
		return Plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return Plural(int(d.Hours()), "hour", "hours")
	default:
		return Plural(int(d.Hours())/24, "day", "days")
	}
}

// ClockTime writes what is left of a countdown: "0:18", "12:40", "1:02:03".
func ClockTime(d time.Duration) string {
	s := max(0, int(math.Ceil(d.Seconds())))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// ShortID keeps the ends of a long id: "01krj4tv…8qzm7t".
func ShortID[S ~string](id S) string {
	s := string(id)
	if len(s) <= 16 {
		return s
	}
	return s[:8] + "…" + s[len(s)-6:]
}

func pair(major int, majorUnit string, minor int, minorUnit string) string {
	if minor == 0 {
		return fmt.Sprintf("%d %s", major, majorUnit)
	}
	return fmt.Sprintf("%d %s %d %s", major, majorUnit, minor, minorUnit)
}
