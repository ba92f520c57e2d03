package main

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// byItself are the records that change while nobody does anything: signs of
// life, readings, and when somebody was last seen.
const byItself = "'instance', 'lease', 'alarm', 'alarm-watch', 'breaker', 'sweep-slot', 'session', 'token', 'audit-head', 'ingest-key'"

// everything is what an embedded store holds that only a deed changes, by table:
// a digest of all cells of all rows.
// Metrics and counters are readings, and names the words in them.
var everything = map[string]string{
	"graph_steps": "", "rows": "", "flow": "", "attempts": "", "results": "", "causes": "", "letters": "", "operations": "",
	"records": " WHERE kind NOT IN (" + byItself + ") AND kind NOT LIKE 'alarm-history%'", "audit": "",
}

// digests reads the store beside the program.
func (p *testProgram) digests() map[string]string {
	p.t.Helper()
	db, err := zs.OpenConn(filepath.Join(p.dir, "data", "redrive.db"), zs.OpenReadOnly)
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	list := map[string]string{}
	for table, where := range everything {
		sum := sha256.New()
		err := sqlitex.ExecuteTransient(db, "SELECT * FROM "+table+where, &sqlitex.ExecOptions{ResultFunc: func(s *zs.Stmt) error {
			for i := range s.ColumnCount() {
				sum.Write([]byte(s.ColumnName(i) + "\x00" + s.ColumnText(i) + "\x00"))
			}
			return nil
		}})
		if err != nil {
			p.t.Fatalf("reading table %s: %v", table, err)
		}
		list[table] = hex.EncodeToString(sum.Sum(nil)[:8])
	}
	return list
}

// changes are the tables that are not as they were, but for some.
func (p *testProgram) changes(before map[string]string, but ...string) string {
	p.t.Helper()
	var names []string
	for table, sum := range p.digests() {
		if before[table] != sum && !strings.Contains(strings.Join(but, " "), table) {
			names = append(names, table)
		}
	}
	return strings.Join(names, ", ")
}
