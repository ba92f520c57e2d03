package aws

import (
	"iter"
)

// merge joins sorted queries into one, by sort key. It reads from each only as
// far as the caller goes.
func merge(descending bool, lists ...iter.Seq2[item, error]) iter.Seq2[item, error] {
	if len(lists) == 1 {
		return lists[0]
	}
	return func(yield func(item, error) bool) {
		heads := make([]head, 0, len(lists))
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, l := range lists {
			next, stop := iter.Pull2(l)
			h := head{next: next, stop: stop}
			heads = append(heads, h)
			heads[len(heads)-1].advance()
		}
		for {
			best := -1
			for i := range heads {
				h := &heads[i]
				if h.over {
					continue
				}
				if h.err != nil {
					yield(nil, h.err)
					return
				}
				if best < 0 || descending == (h.it.str(attrSK) > heads[best].it.str(attrSK)) {
					best = i
				}
			}
			if best < 0 || !yield(heads[best].it, nil) {
				return
			}
			heads[best].advance()
		}
	}
}

// head is where a merged query stands.
type head struct {
	next func() (item, error, bool)
	stop func()
	it   item
	err  error
	over bool
}

func (h *head) advance() {
	var more bool
	h.it, h.err, more = h.next()
	h.over = !more
}
