package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// Cron reads five cron fields and gives the function that tells the next time,
// in UTC, after another. An error completes the sentence `"SPEC" ...`: what has
// other than five fields, cannot be read, or never comes true.
func Cron(spec string) (next func(after time.Time) time.Time, err error) {
	if strings.ContainsAny(spec, "@=") || len(strings.Fields(spec)) != 5 {
		return nil, errors.New("is not a schedule of five fields")
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("is not a schedule: %w", err)
	}
	next = func(after time.Time) time.Time { return parsed.Next(after.UTC()) }
	if next(time.Now()).IsZero() {
		return nil, errors.New("never comes true")
	}
	return next, nil
}
