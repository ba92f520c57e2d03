package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// process is the program in a process of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan error
}

// spawn runs the program with a configuration in a process of its own; requests
// of p go there until the next start.
func (p *testProgram) spawn(config string) *process {
	p.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(p.t.Context()), os.Args[0], "--config", p.write("redrive.yaml", config), "--log-format", "json")
	cmd.Env = append(os.Environ(), asProgram+"=1", "DOWNSTREAM="+p.down.URL, "GITHUB_SECRET="+secret, "TOKEN="+bearer)
	log, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	s := &process{t: p.t, cmd: cmd, done: make(chan error, 1)}
	at := make(chan string, 1)
	go func() {
		s.follow(bufio.NewScanner(log), at)
		s.done <- cmd.Wait()
	}()
	p.t.Cleanup(func() { cmd.Process.Kill() }) //nolint:errcheck // it is over, as a rule
	select {
	case url := <-at:
		p.url = strings.TrimSuffix(url, "/")
	case err := <-s.done:
		p.t.Fatalf("the process ended with %v", err)
	}
	p.ready()
	return s
}

// follow reads the log to its end and tells where the program listens.
func (s *process) follow(lines *bufio.Scanner, at chan<- string) {
	for lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			at <- line.URL
		}
	}
}

func (s *process) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *process) over() bool {
	select {
	case err := <-s.done:
		s.done <- err
		return true
	default:
		return false
	}
}

// code waits for the end and returns the exit code, -1 after a signal.
func (s *process) code() int {
	s.t.Helper()
	eventually(s.t, "the process to end", s.over, is(true))
	return s.cmd.ProcessState.ExitCode()
}
