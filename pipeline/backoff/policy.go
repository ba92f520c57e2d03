package backoff

import (
	"fmt"
	"math"
	"time"
)

// Jitter says how far below the ceiling a wait may fall.
type Jitter string

const (
	Full  Jitter = "full"  // anywhere from 0 to the ceiling: spreads best
	Equal Jitter = "equal" // from half the ceiling to the ceiling: keeps a floor
	None  Jitter = "none"  // the ceiling itself: predictable, no spread
)

// Policy is a step's retry policy. The zero Jitter means Full.
type Policy struct {
	Attempts int           // calls in all, the first one counted; 0 = until it succeeds
	Base     time.Duration // ceiling of the first wait
	Cap      time.Duration // no ceiling is above it; 0 = no cap
	Jitter   Jitter
}

// Validate names the first value of the policy that cannot be meant.
func (p Policy) Validate() error {
	switch {
	case p.Attempts < 0:
		return fmt.Errorf("attempts is %d; use 0 for no limit, or 1 and more", p.Attempts)
	case p.Base < 0:
		return fmt.Errorf("base is %s; a wait cannot be negative", p.Base)
	case p.Cap < 0:
		return fmt.Errorf("cap is %s; a wait cannot be negative", p.Cap)
	case p.Cap > 0 && p.Cap < p.Base:
		return fmt.Errorf("cap %s is below base %s", p.Cap, p.Base)
	}
	switch p.Jitter {
	case Full, Equal, None, "":
		return nil
	default:
		return fmt.Errorf("jitter %q is not known; use full, equal or none", p.Jitter)
	}
}

// Exhausted reports whether a row that was called this often has no attempt left.
func (p Policy) Exhausted(calls int) bool {
	return p.Attempts > 0 && calls >= p.Attempts
}

// Ceiling is the longest the n-th wait can be: Base*2^(n-1), at most Cap. The first wait
// is n = 1, and anything below counts as 1. Without a cap it stops at the largest
// duration there is; it never overflows.
func (p Policy) Ceiling(n int) time.Duration {
	limit := p.Cap
	if limit <= 0 {
		limit = math.MaxInt64
	}
	if p.Base <= 0 {
		return 0
	}
	doublings := max(n, 1) - 1
	if doublings >= 63 || p.Base > limit>>doublings {
		return limit
	}
	return p.Base << doublings
}

// Wait is the n-th wait with jitter. The random function returns a number in [0, 1), as
// rand.Float64 does; values outside are brought inside.
func (p Policy) Wait(n int, random func() float64) time.Duration {
	ceiling := p.Ceiling(n)
	switch p.Jitter {
	case None:
		return ceiling
	case Equal:
		half := ceiling / 2
		return half + scale(ceiling-half, random())
	default:
		return scale(ceiling, random())
	}
}

// scale returns d*r for r in [0, 1] without leaving [0, d].
func scale(d time.Duration, r float64) time.Duration {
	switch {
	case r >= 1:
		return d
	case r > 0: // false for NaN too
		return min(time.Duration(float64(d)*r), d)
	default:
		return 0
	}
}
