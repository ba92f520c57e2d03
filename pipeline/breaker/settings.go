package breaker

import (
	"fmt"
	"time"
)

// Settings say when a breaker opens and what closes it again.
type Settings struct {
	FailureRate  float64       // opens at this share of failed calls, above 0 to 1
	MinimumCalls int           // but not before this many calls in the window
	Window       time.Duration // what counts as recent
	OpenFor      time.Duration // how long it stays open before it probes
	Probes       int           // calls let through while half-open, in all
}

// Validate names the first setting that cannot be meant.
func (s Settings) Validate() error {
	switch {
	case !(s.FailureRate > 0 && s.FailureRate <= 1): // so that NaN is refused as well
		return fmt.Errorf("failure_rate is %v; use a share above 0 and up to 1", s.FailureRate)
	case s.MinimumCalls < 1:
		return fmt.Errorf("minimum_calls is %d; use 1 or more", s.MinimumCalls)
	case s.Window <= 0:
		return fmt.Errorf("window is %s; use a duration above 0", s.Window)
	case s.OpenFor <= 0:
		return fmt.Errorf("open_for is %s; use a duration above 0", s.OpenFor)
	case s.Probes < 1:
		return fmt.Errorf("probes is %d; use 1 or more", s.Probes)
	}
	return nil
}

func (s Settings) probes() int { return max(s.Probes, 1) }
