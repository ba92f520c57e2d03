package aws

import "sync"

// doubts are what this process does not know of its own writes: those under way,
// those whose answer never came and that are made again, and whether any of them
// was counted without knowing what it changed.
type doubts struct {
	mu         sync.Mutex
	again      bool            // the counters have to be compared with the rows
	under      int             // writes under way
	begun      int64           // writes ever begun
	unanswered map[string]bool // changes that are made again
}

func newDoubts() *doubts { return &doubts{unanswered: map[string]bool{}} }

// begin notes a write; the function it answers notes its end.
func (d *doubts) begin() (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.under++
	d.begun++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.under--
	}
}

// unknown notes a change whose answer never came; insists tells that it is made
// again.
func (d *doubts) unknown(key string, insists bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if insists {
		d.unanswered[key] = true
	} else {
		d.again = true
	}
}

// known ends the doubt about a change; exact tells that what it was made on is
// known too.
func (d *doubts) known(key string, exact bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.unanswered, key)
	d.again = d.again || !exact
}

// any tells whether counters and rows may differ for good.
func (d *doubts) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.again || len(d.unanswered) > 0
}

// take answers whether to count again, and forgets it.
func (d *doubts) take() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	again := d.again
	d.again = false
	return again
}

func (d *doubts) giveBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.again = true
}

// still answers how many writes there were, and whether all are answered.
func (d *doubts) still() (int64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun, d.under == 0 && len(d.unanswered) == 0
}
