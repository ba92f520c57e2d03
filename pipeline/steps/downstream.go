package steps

import "time"

// Downstream is whom a step calls: what its answers mean, and how sentences name
// it.
type Downstream struct {
	name      string // "search-api:9001", "function resize"
	timeout   time.Duration
	permanent map[int]bool
	hide      hider // nil: nothing to hide
}

// NewDownstream checks what an operator wrote of a step, whatever it calls. A
// timeout of 0 means 5 s; permanent are the statuses, 300 to 599, not worth
// another try.
func NewDownstream(name string, timeout time.Duration, permanent []int) (Downstream, error) {
	timeout, err := parseTimeout(timeout)
	if err != nil {
		return Downstream{}, err
	}
	statuses, err := parsePermanent(permanent)
	return Downstream{name: name, timeout: timeout, permanent: statuses}, err
}

// Timeout is how long a whole call may take.
func (d Downstream) Timeout() time.Duration { return d.timeout }
