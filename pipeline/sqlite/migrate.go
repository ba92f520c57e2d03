package sqlite

import (
	"embed"
	"fmt"
	"io/fs"

	"redrive/pipeline"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as ours: "Rdrv".
const applicationID = 0x52647276

// auditChained is the version whose step is finished in Go, since SQLite has no
// hash.
const auditChained = 2

// migrate brings the schema up to date, each step in a transaction of its own.
// The number of a file is the schema's version after it.
func migrate(c *conn, path string) error {
	if err := checkSchema(c, path); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for i, name := range files {
		if err := migrateTo(c, i+1, name); err != nil {
			return fmt.Errorf("migrate %s with %s: %w", path, name, err)
		}
	}
	return nil
}

// migrateTo looks at the version again inside the transaction, since another
// process may have been faster.
func migrateTo(c *conn, version int, name string) (err error) {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil && c.inTransaction() {
			_ = c.script("ROLLBACK")
		}
	}()
	have, err := c.value("SELECT user_version FROM pragma_user_version")
	if err != nil {
		return err
	}
	if have < int64(version) {
		text = fmt.Appendf(text, "\nPRAGMA user_version = %d;\nPRAGMA application_id = %d;\n", version, applicationID)
		if err := c.script(string(text)); err != nil {
			return err
		}
		if version == auditChained {
			err = chainAudit(c)
		}
	}
	if err != nil {
		return err
	}
	return c.script("COMMIT")
}

// checkSchema refuses what this program cannot work on.
func checkSchema(c *conn, path string) error {
	var app, version int64
	s := c.prep("SELECT application_id, user_version FROM pragma_application_id, pragma_user_version")
	if _, err := s.one(func() { app, version = s.i64(0), s.i64(1) }); err != nil {
		if failureOf(err) == failCorrupt {
			return damaged(path, err.Error())
		}
		return err
	}
	tables, err := c.value("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if app != applicationID && (app != 0 || tables > 0 || version > 0) {
		return anothers(path)
	}
	if version > int64(len(files)) {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: fmt.Sprintf(
			"%s was written by a newer version of this program (schema %d, this one knows %d)", path, version, len(files))}
	}
	return nil
}
