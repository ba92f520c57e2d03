package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"redrive/pipeline"
)

// fullCheckSize is how large a file may be to be checked completely when it is
// opened: that takes about a second for 700 MB. Of a larger one only its head,
// its length and the edges of its tables are looked at; the rest is read, and
// any damage told, when it is used.
const fullCheckSize = 256 << 20

// prepareFile sees to it that there is a complete database. A new one is made
// under another name and renamed when it is whole, so that a file under the
// right name was never half made: if it is empty, something emptied it.
func (db *DB) prepareFile() error {
	_, err := os.Stat(db.path)
	if err == nil {
		return checkFile(db.path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return unavailablef(db.path+" cannot be read", err)
	}
	if _, err := os.Stat(db.path + "-wal"); err == nil {
		return unavailablef(db.path+" is missing although its log "+FileName+"-wal is there; put the file back or move the log away", nil)
	}
	return create(db.path)
}

func create(path string) error {
	part := path + ".part"
	for _, name := range []string{part, part + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unavailablef(name+" of an earlier start cannot be removed", err)
		}
	}
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unavailablef(part+" cannot be made", err)
	}
	if err := f.Close(); err != nil {
		return unavailablef(part+" cannot be made", err)
	}
	c, err := openConn(part, openReadWrite, "synchronous = FULL")
	if err != nil {
		return err
	}
	if err := errors.Join(migrate(c, path), c.script("PRAGMA journal_mode = WAL"), c.close()); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return unavailablef(path+" cannot be made", err)
	}
	return syncDirectory(filepath.Dir(path))
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return unavailablef("the directory "+dir+" cannot be read", err)
	}
	// Some file systems cannot flush a directory; then there is nothing to do.
	_ = d.Sync()
	return d.Close()
}

// checkFile looks at the first hundred bytes and the length. It runs before any
// connection is open, see OpenReadOnly.
func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return unavailablef(path+" cannot be read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return unavailablef(path+" cannot be read", err)
	}
	head := make([]byte, 100)
	if n, err := io.ReadFull(f, head); err != nil {
		return damaged(path, fmt.Sprintf("it is only %d bytes long", n))
	}
	if !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) {
		return damaged(path, "it does not begin as a database does")
	}
	if app := binary.BigEndian.Uint32(head[68:]); app != applicationID {
		return anothers(path) // before a connection is open: opening it would change its header
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	// Pages that are still in the log may be missing from the file.
	log, err := os.Stat(path + "-wal")
	if noLog := err != nil || log.Size() == 0; noLog && info.Size() < page*pages {
		return damaged(path, fmt.Sprintf("%d of %d bytes are missing", page*pages-info.Size(), page*pages))
	}
	return nil
}

func anothers(path string) error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: path + " belongs to another program"}
}

func damaged(path, why string) error {
	why = why[strings.LastIndexByte(strings.TrimSpace(why), '\n')+1:] // quick_check has a headline
	return &pipeline.Error{Code: pipeline.CodeUnavailable,
		Text: path + " is damaged (" + why + "); restore it from a backup or move it away to begin a new one"}
}

// checkDatabase looks into the database: all of it if it is not large.
func (db *DB) checkDatabase(c *conn) error {
	size, err := c.value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
	if err != nil {
		return err
	}
	if size > fullCheckSize {
		return db.checkEdges(c)
	}
	problem := ""
	s := c.prep("PRAGMA quick_check(1)")
	err = s.each(func() bool { problem = s.str(0); return true })
	if err == nil && problem != "ok" {
		return damaged(db.path, problem)
	}
	if failureOf(err) == failCorrupt {
		return damaged(db.path, err.Error())
	}
	return err
}

func (db *DB) checkEdges(c *conn) error {
	for _, query := range []string{
		"SELECT count(*) FROM sqlite_schema",
		"SELECT min(seq) + max(seq) FROM rows",
		"SELECT min(seq) + max(seq) FROM flow",
		"SELECT min(id) + max(id) FROM letters",
	} {
		_, err := c.value(query)
		if failureOf(err) == failCorrupt {
			return damaged(db.path, err.Error())
		}
	}
	return nil
}
