package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A console takes rows in and lets operators do everything, and calls no step;
// workers call steps, and answer nobody but those who watch over them.
func TestAWSConsoleAndWorkers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, configuration([]string{step("first"), step("second", "needs: [first]")}))
	console := f.join("--only", "console").at()
	ids := console.accept(12)
	console.change("second", body{"paused": true, "reason": "through the console"})
	equal(t, "state of its sweep", console.sweep(body{}).State, "done")
	eventually(t, "rows that wait", func() int { return console.step("first").Queued }, is(12))

	worker := f.join("--only", "workers").at()
	eventually(t, "rows that wait for the paused step", func() int { return console.step("second").Queued }, is(12))
	equal(t, "calls of the paused step", f.down.count("second"), 0)
	console.change("second", body{"paused": false, "reason": "go"})
	console.allBecome(ids, "done")
	name := workerOf(f.members[1])
	for _, id := range ids {
		for _, a := range console.row(id).Attempts {
			if !strings.HasSuffix(a.Worker, name) {
				t.Errorf("%s made an attempt, not %s", a.Worker, name)
			}
		}
	}

	equal(t, "processes", console.instances(), "console running, workers running")

	equal(t, "healthz of the workers", worker.get("/healthz").status, http.StatusOK)
	equal(t, "readyz of the workers", worker.get("/readyz").status, http.StatusOK)
	if text := string(worker.get("/metrics").want(http.StatusOK).body); !strings.Contains(text, `step="first"`) {
		t.Errorf("their metrics are %.500s", text)
	}
	for _, path := range []string{"/", "/rows", "/api/v1/overview"} {
		worker.get(path).refused(http.StatusNotFound, "--only workers")
	}
	worker.deliver(newKey(), []byte(`{}`)).refused(http.StatusNotFound, "--only workers")
}

// workerOf ends what attempts of a process are signed with.
func workerOf(m *member) string { return "-" + strconv.Itoa(m.proc.cmd.Process.Pid) }

// There is one process on the embedded backend, which does everything.
func TestOnlyIsForAWS(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	file := p.write("redrive.yaml", configuration(diamond()))
	for _, only := range []string{"console", "workers"} {
		code, said := p.command("--config", file, "--only", only)
		equal(t, "exit code", code, exitUnusual)
		if !strings.Contains(said, "--only") || !strings.Contains(said, "aws") {
			t.Errorf("said %s", said)
		}
	}
}
