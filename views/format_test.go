package views

import (
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"a count is never rounded", Count(4210), "4,210"},
		{"a large count", Count(int64(128402317)), "128,402,317"},
		{"a negative count", Count(-1234), "-1,234"},
		{"one", Plural(1, "row", "rows"), "1 row"},
		{"many", Plural(118, "row", "rows"), "118 rows"},
		{"half", Percent(0.5), "50 %"},
		{"a small share", Percent(0.0041), "0.41 %"},
		{"a very small share is not nothing", Percent(0.00001), "under 0.01 %"},
		{"nearly all is not all", Percent(0.99999), "99.99 %"},
		{"all", Percent(1), "100 %"},
		{"a rate", Rate(3.21), "3.2/s"},
		{"a whole rate", Rate(50), "50/s"},
		{"a large decimal", Decimal(1234.56), "1,234.6"},
		{"bytes are exact", Bytes(9850), "9,850 bytes"},
		{"megabytes", Bytes(1_400_000), "1.4 MB"},
		{"milliseconds", Duration(41 * time.Millisecond), "41 ms"},
		{"seconds", Duration(4250 * time.Millisecond), "4.2 s"},
		{"minutes", Duration(22*time.Minute + 10*time.Second), "22 m 10 s"},
		{"hours", Duration(3 * time.Hour), "3 h"},
		{"days", Duration(50 * time.Hour), "2 d 2 h"},
		{"an age", Age(5*time.Minute + 59*time.Second), "5 m"},
		{"in words", Long(time.Hour), "1 hour"},
		{"a countdown rounds up", ClockTime(17200 * time.Millisecond), "0:18"},
		{"a countdown that is over", ClockTime(-time.Second), "0:00"},
		{"a long countdown", ClockTime(3723 * time.Second), "1:02:03"},
		{"an id", ShortID("01krj4tv6m2yf0dn3w8qzm7t"), "01krj4tv…8qzm7t"},
		{"a path with odd names", string(Href("/x/", "steps", "a/b", "c d")), "/x/steps/a%2Fb/c%20d"},
		{"a query", string(WithQuery("/rows", "step", "a&b", "state", "")), "/rows?step=a%26b"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
