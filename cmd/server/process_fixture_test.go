package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// process is the program in a process of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan error
	at   chan string // where it listens

	mu  sync.Mutex
	log []string // what it said last
}

// spawn runs the program with a configuration in a process of its own; requests
// of p go there until the next start.
func (p *testProgram) spawn(config string, args ...string) *process {
	p.t.Helper()
	s := p.begin(p.write("redrive.yaml", p.onBackend(config)), args...)
	p.url = s.listens()
	p.ready()
	return s
}

// begin starts the program with a file, and does not wait for it.
func (p *testProgram) begin(file string, args ...string) *process {
	p.t.Helper()
	cmd := p.process(file, append([]string{"--log-format", "json"}, args...)...)
	log, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	s := &process{t: p.t, cmd: cmd, done: make(chan error, 1), at: make(chan string, 1)}
	go func() {
		s.follow(bufio.NewScanner(log))
		s.done <- cmd.Wait()
	}()
	p.t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it is over, as a rule
		s.tell()
	})
	return s
}

// listens waits until the program does, and returns where.
func (s *process) listens() string {
	s.t.Helper()
	select {
	case url := <-s.at:
		return strings.TrimSuffix(url, "/")
	case err := <-s.done:
		s.done <- err
		s.t.Fatalf("the process ended with %v", err)
		return ""
	}
}

// process is the program in a process of its own, which is not started.
func (p *testProgram) process(file string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(p.t.Context()), os.Args[0], append([]string{"--config", file}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DOWNSTREAM="+p.down.URL, "GITHUB_SECRET="+secret, "TOKEN="+bearer)
	if p.aws != nil {
		cmd.Env = append(cmd.Env, p.aws.env()...)
	}
	return cmd
}

// follow reads the log to its end and tells where the program listens.
func (s *process) follow(lines *bufio.Scanner) {
	for lines.Scan() {
		s.mu.Lock()
		s.log = append(s.log, lines.Text())
		s.log = s.log[max(0, len(s.log)-lastLines):]
		s.mu.Unlock()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			s.at <- line.URL
		}
	}
}

// lastLines are shown of the log of a process when its test fails.
const lastLines = 150

func (s *process) tell() {
	if s.t.Failed() {
		s.t.Logf("process %d said last:\n%s", s.cmd.Process.Pid, s.said())
	}
}

// said is the end of its log.
func (s *process) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
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
