package views

import "testing"

func TestCronWords(t *testing.T) {
	for spec, want := range map[string]string{
		"* * * * *":         "every minute",
		"*/5 * * * *":       "every 5 minutes",
		"*/7 * * * *":       "every 7 minutes from the full hour",
		"0 * * * *":         "every hour, on the hour",
		"15 * * * *":        "every hour, 15 minutes past",
		"1 * * * *":         "every hour, 1 minute past",
		"0 */3 * * *":       "every 3 hours, on the hour",
		" 0  */3 * *  * ":   "every 3 hours, on the hour",
		"30 */5 * * *":      "every 5 hours from midnight, 30 minutes past",
		"5 3 * * *":         "every day at 03:05",
		"0 6,18 * * *":      "every day at 06:00 and 18:00",
		"0 6,12,18 * * *":   "every day at 06:00, 12:00 and 18:00",
		"0 4 * * 1":         "every Monday at 04:00",
		"0 4 * * mon,THU":   "every Monday and Thursday at 04:00",
		"0 4 * * 7":         "every Sunday at 04:00",
		"0 4 * * 1-5":       "on weekdays at 04:00",
		"0 4 * * sat,sun":   "on Saturday and Sunday at 04:00",
		"0 4 1 * *":         "on day 1 of every month at 04:00",
		"0 4 1 6 *":         "0 4 1 6 *",
		"0 4 1 * 1":         "0 4 1 * 1",
		"0 9-17 * * *":      "0 9-17 * * *",
		"*/5 3 * * *":       "*/5 3 * * *",
		"*/0 * * * *":       "*/0 * * * *",
		"*/90 * * * *":      "*/90 * * * *",
		"61 * * * *":        "61 * * * *",
		"0 24 * * *":        "0 24 * * *",
		"0 4 * * 8":         "0 4 * * 8",
		"@daily":            "@daily",
		"":                  "",
		"<b> * * * *":       "<b> * * * *",
		"0 */3 * * * extra": "0 */3 * * * extra",
	} {
		if got := CronWords(spec); got != want {
			t.Errorf("CronWords(%q) = %q, want %q", spec, got, want)
		}
	}
}
