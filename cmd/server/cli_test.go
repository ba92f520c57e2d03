package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command runs the program with arguments and returns its exit code and all that
// it said.
func (p *testProgram) command(args ...string) (code int, said string) {
	p.t.Helper()
	var out bytes.Buffer
	code = run(p.t.Context(), args, terminal{out: &out, err: &out, env: p.env})
	return code, out.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	good := p.write("good.yaml", configuration(diamond()))
	code, said := p.command("--config", good, "--check")
	equal(t, "exit code", code, exitFine)
	equal(t, "said", said, good+": no mistakes\n")
	code, _ = p.command("--config", filepath.Join(p.dir, "nowhere.yaml"), "--check")
	equal(t, "exit code without the file", code, exitUnusual)
	code, said = p.command("--config", good, "--listen", "0.0.0.0:80", "--check")
	equal(t, "exit code of an open door", code, exitUnusual)
	if !strings.Contains(said, "auth") {
		t.Errorf("said %s", said)
	}
	entries, err := os.ReadDir(p.dir)
	equal(t, "error", err, nil)
	equal(t, "files after checks", len(entries), 1)
}

func TestCheckFindsEveryMistake(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	bad := p.write("bad.yaml", `listen: 0.0.0.0:8080
pipelines:
  github:
    intake:
      signature: {scheme: github, secret: "${NOT_SET}"}
    steps:
      - {name: index, needs: [validate], http: {url: "http://127.0.0.1:9001/index"}, timeout: soon}
      - {name: notify, needs: [archive], http: {url: "http://127.0.0.1:9001/notify"}, brekaer: shop}
      - {name: archive, needs: [notify], http: {url: "http://127.0.0.1:9001/archive"}, breaker: shop}
      - {name: call}
sweep: {schedule: "61 * * * *"}
`)
	code, said := p.command("--config", bad, "--check")
	equal(t, "exit code", code, exitUnusual)
	lines := strings.Split(strings.TrimSpace(said), "\n")
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(bad) + `:\d+: .+, .+$`)
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("not FILE:LINE: what is wrong, what would be right: %s", line)
		}
	}
	for line, says := range map[string]string{":1:": "0.0.0.0", ":5:": "NOT_SET", ":7:": "validate", ":8:": "breaker", ":9:": "shop", ":10:": "http", ":11:": "schedule"} {
		if !strings.Contains(said, bad+line) || !strings.Contains(said, says) {
			t.Errorf("nothing about line %s with %s in\n%s", line, says, said)
		}
	}
	if !strings.Contains(said, "soon") || !strings.Contains(said, "circle") {
		t.Errorf("not every mistake is there:\n%s", said)
	}
}

func TestInitIsValid(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	code, text := p.command("init")
	equal(t, "exit code", code, exitFine)
	code, said := p.command("--config", p.write("init.yaml", text), "--check")
	equal(t, "exit code of the check", code, exitFine)
	if !strings.Contains(text, "# ") || !strings.Contains(text, "pipelines:") {
		t.Errorf("init printed %s and the check said %s", text, said)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	good := p.write("good.yaml", configuration(diamond()))
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--version"}, exitFine, "redrive "},
		{[]string{"--help"}, exitFine, "--config"},
		{[]string{"--no-such-flag"}, exitUnusual, "no-such-flag"},
		{[]string{"no-such-command"}, exitUnusual, "no-such-command"},
		{[]string{"--config", good, "--log-format", "xml", "--check"}, exitUnusual, "--log-format"},
		{[]string{"--config", good, "--only", "workers"}, exitUnusual, "--only"},
		{[]string{"--config", good, "--base-path", "x", "--check"}, exitUnusual, "--base-path"},
		{[]string{"--config", good, "run", "--step", "call"}, exitUnusual, "row"},
		{[]string{"--config", good, "run", "some-row"}, exitUnusual, "--step"},
		{[]string{"run", "some-row", "--step", "call"}, exitUnusual, "--config"},
		{[]string{"--config", good, "provision"}, exitUnusual, "backend: embedded"},
		{[]string{"provision"}, exitUnusual, "--config"},
		{[]string{"--config", good, "provision", "--print", "terraform"}, exitUnusual, "--print"},
		{[]string{"--config", good, "user", "add", "ada"}, exitUnusual, "--role"},
		{[]string{"--config", good, "doctor"}, exitUnusual, "not supported yet"},
	} {
		code, said := p.command(c.args...)
		equal(t, strings.Join(c.args, " "), code, c.code)
		if !strings.Contains(said, c.says) {
			t.Errorf("%s said nothing of %q: %s", strings.Join(c.args, " "), c.says, said)
		}
	}
}

// What keeps the program from starting is one sentence.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	address := strings.TrimPrefix(p.url, "http://")
	other := newProgram(t)
	config := other.write("redrive.yaml", configuration([]string{step("call")}))
	refused := func(says string, args ...string) {
		t.Helper()
		code, said := other.command(append([]string{"--config", config}, args...)...)
		equal(t, "exit code", code, exitFailed)
		if !strings.HasPrefix(said, "server: ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, says) {
			t.Errorf("not one sentence about %q: %s", says, said)
		}
	}
	refused("another program listens on "+address, "--listen", address)
	refused("in use by another process", "--data", filepath.Join(p.dir, "data"))

	file := other.write("file", "not a folder")
	refused(file, "--data", file)
	refused("damaged", "--data", filepath.Dir(other.write("garbage/redrive.db", strings.Repeat("garbage ", 1000))))
	refused("damaged", "--data", filepath.Dir(other.write("empty/redrive.db", "")))
	if text, err := os.ReadFile(filepath.Join(other.dir, "garbage", "redrive.db")); err != nil || string(text) != strings.Repeat("garbage ", 1000) {
		t.Errorf("the damaged file was changed: %v", err)
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"127.0.0.1:" + port, "0.0.0.0:" + port, ":" + port, "localhost:" + port} {
		code, said := p.command("--healthcheck", "--listen", address)
		equal(t, "exit code for "+address+" "+said, code, exitFine)
	}
	code, said := p.command("--healthcheck", "--config", p.write("fixed.yaml", strings.Replace(configuration([]string{step("call")}), "127.0.0.1:0", "127.0.0.1:"+port, 1)))
	equal(t, "exit code with a configuration "+said, code, exitFine)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	code, said = p.command("--healthcheck", "--listen", "127.0.0.1:"+port)
	equal(t, "exit code without a server: "+said, code, exitFailed)
}

func TestRunOneStep(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"))
	p.down.on("second", always(422))
	letter := p.die(1)[0]
	before := string(p.get("/api/v1/rows/" + letter.RowID).body)
	p.down.on("second", func(seenCall) reply { return reply{status: http.StatusCreated, body: "all is well"} })
	config := filepath.Join(p.dir, "redrive.yaml")

	code, said := p.command("--config", config, "run", letter.RowID, "--step", "second", "--dry-run")
	equal(t, "exit code of the dry run", code, exitFine)
	for _, part := range []string{"POST /second", "Idempotency-Key: " + letter.RowID + "/second", "Redrive-Attempt: 2", "Redrive-Row: " + letter.RowID, string(deliveries(t)[0].Payload)} {
		if !strings.Contains(said, part) {
			t.Errorf("the dry run does not show %.60s", part)
		}
	}
	if strings.Contains(said, bearer) {
		t.Error("the dry run shows the secret of a header")
	}
	equal(t, "calls after the dry run", p.down.count("second"), 1)

	code, said = p.command("--config", config, "run", letter.RowID, "--step", "second")
	equal(t, "exit code on 2xx", code, exitFine)
	if !strings.Contains(said, "201") || !strings.Contains(said, "all is well") || !strings.Contains(said, "Nothing was written") {
		t.Errorf("said %s", said)
	}
	calls := p.down.seen("second", letter.RowID)
	if len(calls) != 2 || string(calls[1].body) != string(deliveries(t)[0].Payload) || calls[1].header.Get("Authorization") != bearer {
		t.Errorf("%d calls", len(calls))
	}
	p.down.on("second", always(500))
	code, _ = p.command("--config", config, "run", letter.RowID, "--step", "second")
	equal(t, "exit code on 500", code, exitFailed)
	equal(t, "the row", string(p.get("/api/v1/rows/"+letter.RowID).body), before)

	for _, args := range [][]string{{"no-such-row", "--step", "second"}, {letter.RowID, "--step", "nowhere"}} {
		code, said = p.command(append([]string{"--config", config, "run"}, args...)...)
		equal(t, "exit code", code, exitFailed)
		if strings.Count(said, "\n") != 1 {
			t.Errorf("not one sentence: %s", said)
		}
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call")}, "base_path: /ops"))
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/ops/": 200, "/ops/rows": 200, "/ops/api/v1/overview": 200,
		"/api/v1/overview": 404, "/": 404, "/rows": 404, "/opsy": 404} {
		equal(t, path, p.get(path).status, status)
	}
	equal(t, "Location", p.get("/ops").header.Get("Location"), "/ops/")
	p.send(http.MethodPost, "/ingest/github", "{}").refused(http.StatusNotFound, "/ops")
	p.send(http.MethodPost, "/ops/ingest/github", "{}").refused(http.StatusUnauthorized, "")
}
