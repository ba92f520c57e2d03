-- Times are UTC milliseconds since 1970. States and statuses are the small
-- numbers of codes.go. Names of pipelines, steps, graphs, workers and metrics
-- are stored once, in names, and known by their number everywhere else.

CREATE TABLE names (
    id     INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL,
    parent INTEGER NOT NULL, -- the pipeline of a step or graph, else 0
    name   TEXT    NOT NULL,
    UNIQUE (kind, parent, name)
) STRICT;

-- The steps a graph had when its first row came: what waits of a row is what
-- its graph has and its cells have not.
CREATE TABLE graph_steps (
    graph INTEGER NOT NULL,
    step  INTEGER NOT NULL,
    PRIMARY KEY (graph, step)
) WITHOUT ROWID, STRICT;

-- What never changes of a row.
CREATE TABLE rows (
    seq          INTEGER PRIMARY KEY, -- milliseconds of acceptance << 20, plus a number: the id, and newest first without an index
    pipeline     INTEGER NOT NULL,
    graph        INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    key          TEXT,
    content_type TEXT,
    label        TEXT,
    trace        TEXT,
    error        TEXT,                -- why it was rejected
    body         BLOB    NOT NULL     -- the payload; last, so that the others are read without it
) STRICT;
CREATE UNIQUE INDEX rows_key ON rows (pipeline, key) WHERE key IS NOT NULL;

-- What changes of a row, in one small record, since nearly every write is one
-- to this table.
CREATE TABLE flow (
    seq          INTEGER PRIMARY KEY,
    span         INTEGER NOT NULL, -- pipeline << 3 | status: one number, for a cheap index
    was          INTEGER,          -- discarded: the status underneath, kept up to date
    changed_at   INTEGER NOT NULL, -- last change of the status
    cells        BLOB    NOT NULL, -- flag, queue and schedule of its steps, see cells.go
    reason       TEXT,             -- why it was discarded
    discarded_by INTEGER           -- operation
) STRICT;
CREATE INDEX flow_span ON flow (span);
CREATE INDEX flow_discarded_by ON flow (discarded_by) WHERE discarded_by IS NOT NULL;

-- Attempts other than the one that set the flag as it is now: that one is in
-- its cell, so that success costs no second write.
CREATE TABLE attempts (
    row         INTEGER NOT NULL,
    step        INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    duration    INTEGER NOT NULL, -- microseconds
    outcome     INTEGER NOT NULL,
    status_code INTEGER,
    error       TEXT,
    worker      INTEGER,
    PRIMARY KEY (row, step, number)
) WITHOUT ROWID, STRICT;

CREATE TABLE results (
    row  INTEGER NOT NULL,
    step INTEGER NOT NULL,
    body BLOB    NOT NULL,
    PRIMARY KEY (row, step)
) WITHOUT ROWID, STRICT;

CREATE TABLE causes (
    id    INTEGER PRIMARY KEY,
    step  INTEGER NOT NULL,
    name  TEXT    NOT NULL UNIQUE, -- the group's id
    kind  INTEGER NOT NULL,
    cause TEXT    NOT NULL,
    n     INTEGER NOT NULL         -- open letters
) STRICT;

CREATE TABLE letters (
    id              INTEGER PRIMARY KEY, -- as rows.seq, of the time of death
    row             INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    cause           INTEGER NOT NULL,
    state           INTEGER NOT NULL, -- 1 open, 2 its row is discarded, 0 closed
    kind            INTEGER NOT NULL,
    status_code     INTEGER,
    attempts        INTEGER NOT NULL,
    error           TEXT    NOT NULL,
    first_failed_at INTEGER,
    dead_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX letters_open  ON letters (state) WHERE state = 1;
CREATE INDEX letters_step  ON letters (step)  WHERE state = 1;
CREATE INDEX letters_cause ON letters (cause) WHERE state = 1;
CREATE INDEX letters_row   ON letters (row);

CREATE TABLE operations (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL UNIQUE,
    moved     INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    discards  INTEGER NOT NULL DEFAULT 0 -- 1: it set rows aside
) STRICT;

-- Of a pipeline: rows by status. Of a step: cells by state, and totals.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY,
    c0 INTEGER NOT NULL, c1 INTEGER NOT NULL, c2 INTEGER NOT NULL, c3 INTEGER NOT NULL,
    c4 INTEGER NOT NULL, c5 INTEGER NOT NULL, c6 INTEGER NOT NULL, c7 INTEGER NOT NULL
) STRICT;

CREATE TABLE metrics (
    coarse INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    sum    REAL    NOT NULL,
    count  REAL    NOT NULL,
    min    REAL    NOT NULL,
    max    REAL    NOT NULL,
    PRIMARY KEY (coarse, id, at)
) WITHOUT ROWID, STRICT;

CREATE TABLE records (
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    data       BLOB    NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID, STRICT;
CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    from_addr TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    object    TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    result    TEXT    NOT NULL,
    detail    BLOB
) STRICT;
CREATE INDEX audit_object ON audit (object);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
