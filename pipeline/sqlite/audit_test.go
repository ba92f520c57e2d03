package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	zs "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// logOf makes a closed store with n entries, a second apart, and answers the
// head of its log.
func logOf(t *testing.T, n int) (dir string, head pipeline.AuditHead) {
	t.Helper()
	dir = t.TempDir()
	db, b := openAt(t, sqlite.Config{Path: dir})
	for i := range n {
		appendEntry(t, b, fmt.Sprintf("rows/%d", i+1), time.Date(2026, 5, 14, 3, 0, i, 0, time.UTC))
	}
	head = headOf(t, b)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, head
}

func appendEntry(t *testing.T, b pipeline.Backend, object string, at time.Time) {
	t.Helper()
	ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ada", Role: "admin", From: "127.0.0.1"})
	e := pipeline.NewEntry(ctx, "row.discard", object, "a test", map[string]any{"before": "dead", "after": "discarded"})
	e.At = at
	if err := b.Audit.Append(ctx, *e); err != nil {
		t.Fatal(err)
	}
}

func headOf(t *testing.T, b pipeline.Backend) pipeline.AuditHead {
	t.Helper()
	links, err := b.Audit.Heads(t.Context())
	if err != nil || len(links) != 1 {
		t.Fatal(links, err)
	}
	head, err := pipeline.ParseAuditHead(links[0].Head())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// tamper runs SQL on a closed store, with the triggers gone.
func tamper(t *testing.T, dir string, statements ...string) {
	t.Helper()
	c, err := zs.OpenConn(filepath.Join(dir, sqlite.FileName), zs.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{"DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"}, statements...) {
		if err := sqlitex.ExecuteTransient(c, s, nil); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// verified is what a look at the log of a store comes to, without changing it.
func verified(t *testing.T, dir string, heads ...pipeline.AuditHead) pipeline.AuditCheck {
	t.Helper()
	db, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing was written
	check, err := pipeline.VerifyAudit(t.Context(), db.Backend().Audit, db.Backend().Records, pipeline.AuditBounds{}, heads...)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

// allColumns but seq and id.
const allColumns = "at, actor, role, from_addr, action, object, reason, result, previous, hash, detail"

func TestTamperingWithTheAuditLogIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql    []string
		number int64
		what   string
	}{
		"nothing":                   {nil, 0, ""},
		"edit the reason":           {[]string{"UPDATE audit SET reason = 'another' WHERE seq = 3"}, 3, "was changed"},
		"edit the actor":            {[]string{"UPDATE audit SET actor = 'bob' WHERE seq = 1"}, 1, "was changed"},
		"edit the role":             {[]string{"UPDATE audit SET role = 'viewer' WHERE seq = 1"}, 1, "was changed"},
		"edit the address":          {[]string{"UPDATE audit SET from_addr = '' WHERE seq = 2"}, 2, "was changed"},
		"edit the time":             {[]string{"UPDATE audit SET at = at + 1 WHERE seq = 8"}, 8, "was changed"},
		"edit the result":           {[]string{"UPDATE audit SET result = 'refused' WHERE seq = 4"}, 4, "was changed"},
		"edit the detail":           {[]string{"UPDATE audit SET detail = NULL WHERE seq = 4"}, 4, "was changed"},
		"edit the id":               {[]string{"UPDATE audit SET id = 'x' WHERE seq = 4"}, 4, "was changed"},
		"move text between columns": {[]string{"UPDATE audit SET action = action || substr(object, 1, 1), object = substr(object, 2) WHERE seq = 4"}, 4, "was changed"},
		"edit two":                  {[]string{"UPDATE audit SET reason = 'x' WHERE seq IN (6, 4)"}, 4, "was changed"},
		"empty a hash":              {[]string{"UPDATE audit SET hash = '' WHERE seq = 4"}, 4, "was changed"},
		"delete":                    {[]string{"DELETE FROM audit WHERE seq = 5"}, 5, "is missing"},
		"delete the first":          {[]string{"DELETE FROM audit WHERE seq = 1"}, 1, "is missing"},
		"delete, edit a later one":  {[]string{"DELETE FROM audit WHERE seq = 3", "UPDATE audit SET reason = '' WHERE seq = 6"}, 3, "is missing"},
		"edit, delete a later one":  {[]string{"UPDATE audit SET reason = '' WHERE seq = 3", "DELETE FROM audit WHERE seq = 6"}, 3, "was changed"},
		"delete and close the gap":  {[]string{"DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq > 5"}, 5, "was changed"},
		"swap two": {[]string{"UPDATE audit SET seq = 100 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 100"},
			3, "was changed"},
		"insert at the end":   {[]string{"INSERT INTO audit (seq, id, " + allColumns + ") SELECT 9, 'new', " + allColumns + " FROM audit WHERE seq = 8"}, 9, "was changed"},
		"insert at the front": {[]string{"INSERT INTO audit (seq, id, " + allColumns + ") SELECT 0, 'new', " + allColumns + " FROM audit WHERE seq = 8"}, -1, "was changed"},
		"insert in the middle": {[]string{"UPDATE audit SET seq = seq + 100 WHERE seq > 4", "UPDATE audit SET seq = seq - 99 WHERE seq > 4",
			"INSERT INTO audit (seq, id, " + allColumns + ") SELECT 5, 'new', " + allColumns + " FROM audit WHERE seq = 4"}, 5, "was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, head := logOf(t, 8)
			tamper(t, dir, c.sql...)
			check := verified(t, dir)
			switch {
			case c.what == "":
				if check.Bad != nil || check.Entries != 8 || check.Head.Head() != fmt.Sprintf("%d:%s", head.Number, head.Hash) {
					t.Errorf("an intact log: %+v, %+v", check, check.Bad)
				}
			case check.Bad == nil || check.Bad.Number != c.number || !strings.HasPrefix(check.Bad.What, c.what):
				t.Errorf("found %+v, want entry %d that %s", check.Bad, c.number, c.what)
			}
		})
	}
}

// Who changes an entry and makes a new hash for it breaks the chain behind it.
func TestAnEntryWithANewHashBreaksTheNext(t *testing.T) {
	t.Parallel()
	dir, _ := logOf(t, 5)
	var forged pipeline.Entry
	db, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	for e := range db.Backend().Audit.Walk(t.Context(), time.Time{}) {
		if e.Link.Number == 3 {
			forged = e
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	forged.Actor = "bob"
	forged.Follow(pipeline.Link{Number: 2, Hash: forged.Link.Previous})
	tamper(t, dir, fmt.Sprintf("UPDATE audit SET actor = 'bob', hash = '%s' WHERE seq = 3", forged.Link.Hash))
	check := verified(t, dir)
	if check.Bad == nil || check.Bad.Number != 4 || !strings.Contains(check.Bad.What, "does not follow on entry 3") {
		t.Errorf("found %+v", check.Bad)
	}
}

func TestACutTailIsFoundByItsHead(t *testing.T) {
	t.Parallel()
	dir, head := logOf(t, 8)
	tamper(t, dir, "DELETE FROM audit WHERE seq > 6")
	if check := verified(t, dir); check.Bad != nil {
		t.Errorf("without a head: %+v", check.Bad)
	}
	check := verified(t, dir, head)
	if check.Bad == nil || check.Bad.Number != 7 || !strings.Contains(check.Bad.What, "cut off at its end") {
		t.Errorf("found %+v", check.Bad)
	}
	// Others written in their place do not hide it.
	db, b := openAt(t, sqlite.Config{Path: dir})
	for range 4 {
		appendEntry(t, b, "rows/x", time.Now())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if check := verified(t, dir); check.Bad != nil || check.Entries != 10 {
		t.Errorf("without a head: %+v", check)
	}
	if check := verified(t, dir, head); check.Bad == nil || check.Bad.Number != 8 || !strings.Contains(check.Bad.What, "not in the log") {
		t.Errorf("found %+v", check.Bad)
	}
}

// A cut while the server runs leaves a gap: it knows where it was.
func TestACutBehindTheServersBackLeavesAGap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, b := openAt(t, sqlite.Config{Path: dir})
	for range 4 {
		appendEntry(t, b, "rows/x", time.Now())
	}
	tamper(t, dir, "DELETE FROM audit WHERE seq > 2")
	appendEntry(t, b, "rows/x", time.Now())
	if check := verified(t, dir); check.Bad == nil || check.Bad.Number != 3 || !strings.Contains(check.Bad.What, "is missing") {
		t.Errorf("found %+v", check.Bad)
	}
}

func TestAClockThatGoesBackBreaksNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, b := openAt(t, sqlite.Config{Path: dir})
	now := time.Now()
	for _, at := range []time.Duration{0, time.Minute, -time.Hour, -24 * time.Hour, time.Second} {
		appendEntry(t, b, "rows/x", now.Add(at))
	}
	if check := verified(t, dir, headOf(t, b)); check.Bad != nil || check.Entries != 5 {
		t.Errorf("found %+v", check.Bad)
	}
}

func TestEntriesCannotBeChangedOrDeleted(t *testing.T) {
	t.Parallel()
	dir, _ := logOf(t, 2)
	c, err := zs.OpenConn(filepath.Join(dir, sqlite.FileName), zs.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing was written
	for _, s := range []string{"UPDATE audit SET reason = 'x' WHERE seq = 1", "DELETE FROM audit WHERE seq = 2", "INSERT OR REPLACE INTO audit (seq, id, " + allColumns + ") SELECT 1, 'x', " + allColumns + " FROM audit WHERE seq = 2"} {
		if err := sqlitex.ExecuteTransient(c, s, nil); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := sqlitex.ExecuteTransient(c, "INSERT OR REPLACE INTO audit SELECT seq + 7, id, at, 'bob', from_addr, action, object, reason, result, detail, role, previous, hash FROM audit WHERE seq = 2", nil); err != nil {
		t.Fatal(err)
	}
	if check := verified(t, dir); check.Bad != nil || check.Entries != 2 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
}

// A store of an earlier version gets a chain of what it has.
func TestEntriesFromBeforeTheChainAreAdopted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, sqlite.FileName)
	c, err := zs.OpenConn(file, zs.OpenReadWrite|zs.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile("migrations/0001_initial.sql")
	if err != nil {
		t.Fatal(err)
	}
	var script bytes.Buffer
	script.Write(schema)
	fmt.Fprintf(&script, "\nPRAGMA user_version = 1; PRAGMA application_id = %d;\n", 0x52647276)
	for i := range 450 {
		fmt.Fprintf(&script, "INSERT INTO audit (id, at, actor, from_addr, action, object, reason, result, detail) VALUES ('e%d', %d, 'ada', '', 'row.discard', 'rows/1', 'why', 'ok', NULL);\n", i, 1_800_000_000_000-i)
	}
	if err := sqlitex.ExecuteScript(c, script.String(), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db, b := openAt(t, sqlite.Config{Path: dir})
	appendEntry(t, b, "rows/1", time.Now())
	if check := verified(t, dir); check.Bad != nil || check.Entries != 451 || check.Before != 0 || check.Head.Number != 451 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, dir, "UPDATE audit SET actor = 'bob' WHERE seq = 1")
	if check := verified(t, dir); check.Bad == nil || check.Bad.Number != 1 {
		t.Errorf("an adopted entry was changed: %+v", check.Bad)
	}
}
