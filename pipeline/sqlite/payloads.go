package sqlite

import (
	"context"
	"sync"
)

// content is what a delivery carries of its row besides the cell. It is shared
// and never changed.
type content struct {
	graph, contentType, trace string
	body                      []byte
}

// contents keeps the rows that came last, since they are received soon. It has
// two generations and forgets the older when the younger is full.
type contents struct {
	mu           sync.Mutex
	young, old   map[int64]*content
	size, budget int
}

const contentOverhead = 256 // about what an entry costs besides its payload

func newContents(budget int) *contents {
	return &contents{young: map[int64]*content{}, budget: budget / 2}
}

func (cs *contents) put(row int64, c *content) {
	size := len(c.body) + contentOverhead
	if size > cs.budget/4 {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.size+size > cs.budget {
		cs.old, cs.young, cs.size = cs.young, map[int64]*content{}, 0
	}
	cs.young[row] = c
	cs.size += size
}

func (cs *contents) get(row int64) *content {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.young[row]; c != nil {
		return c
	}
	return cs.old[row]
}

func (cs *contents) clear() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.old, cs.young, cs.size = nil, map[int64]*content{}, 0
}

// contentsOf answers the contents of rows, from memory or with one reader.
func (db *DB) contentsOf(ctx context.Context, rows []claim) ([]*content, error) {
	list := make([]*content, len(rows))
	missing := 0
	for i := range rows {
		if list[i] = db.payloads.get(rows[i].row); list[i] == nil {
			missing++
		}
	}
	if missing == 0 {
		return list, nil
	}
	err := db.read(ctx, func(c *conn) error {
		for i := range rows {
			if list[i] != nil {
				continue
			}
			found, err := db.content(c, rows[i].row)
			if err != nil {
				return err
			}
			list[i] = found
			db.payloads.put(rows[i].row, found)
		}
		return nil
	})
	return list, err
}

func (db *DB) content(c *conn, row int64) (*content, error) {
	found := &content{}
	s := c.prep(`SELECT graph, content_type, trace, body FROM rows WHERE seq = ?`)
	_, err := s.int(1, row).one(func() {
		found.graph = db.names.Load().text(s.i64(0))
		found.contentType, found.trace = s.str(1), s.str(2)
		found.body = s.bytes(3, nil)
	})
	return found, err
}
