package sqlite

import "time"

// An id is a number: the milliseconds of its time in the upper bits, a count
// within that millisecond in the lower twenty. Written as 13 characters that
// sort the same way.
const (
	idBits     = 20
	idLength   = 13
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

func formatID(n int64) string {
	var b [idLength]byte
	for i := idLength - 1; i >= 0; i-- {
		b[i] = idAlphabet[n&31]
		n >>= 5
	}
	return string(b[:])
}

// parseID answers false for everything formatID does not write.
func parseID(s string) (int64, bool) {
	if len(s) != idLength || s[0] > '7' {
		return 0, false
	}
	var n int64
	for i := range idLength {
		d := digit(s[i])
		if d < 0 {
			return 0, false
		}
		n = n<<5 | d
	}
	return n, true
}

func digit(c byte) int64 {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0')
	case c >= 'a' && c <= 'h':
		return int64(c-'a') + 10
	case c == 'j' || c == 'k':
		return int64(c-'j') + 18
	case c == 'm' || c == 'n':
		return int64(c-'m') + 20
	case c >= 'p' && c <= 't':
		return int64(c-'p') + 22
	case c >= 'v' && c <= 'z':
		return int64(c-'v') + 27
	}
	return -1
}

func firstID(ms int64) int64 { return ms << idBits }

func idTime(id int64) time.Time { return fromMillis(id >> idBits) }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, min(t.UnixMilli(), 1<<42))
}

// dueMillis rounds up, so that nothing is delivered before its time.
func dueMillis(t time.Time) int64 {
	ms := millis(t)
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return max(ms, 1)
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// maxID is above all ids.
const maxID = 1<<63 - 1

// timeRange answers milliseconds from since up to but without until; zero times
// bound nothing.
func timeRange(since, until time.Time) (from, to int64) {
	to = 1 << 42
	if !since.IsZero() {
		from = dueMillis(since)
	}
	if !until.IsZero() {
		to = dueMillis(until)
	}
	return from, to
}
