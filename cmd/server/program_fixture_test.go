package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// asProgram makes the test binary the program itself, so that tests can end it
// as a machine does: by a signal, or with no warning at all.
const asProgram = "REDRIVE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(context.Background(), os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, in: os.Stdin, env: lookupEnv}))
	}
	keepToItself()
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// atOnce is how many tests run at the same time: they wait more than they work.
const atOnce = "6"

const (
	patience = 60 * time.Second      // with what comes by itself, on a busy machine
	glance   = 50 * time.Millisecond // between two looks
	secret   = "It's a Secret to Everybody"
	bearer   = "Bearer of-the-downstream"
)

// testProgram is the whole program in a folder of its own: its configuration,
// its store, a port of its own choice.
type testProgram struct {
	t      *testing.T
	dir    string
	down   *downstream
	aws    *account // nil: the embedded backend
	client *http.Client
	log    *record   // what it said
	token  string    // sent with every call to the console; empty where nobody asks
	out    io.Writer // what it prints; nil: the test's own log
	wrap   func(*pipeline.Backend)
	url    string
	stop   func() error // as a signal does; nil while it is not running
	end    context.CancelFunc
}

func newProgram(t *testing.T) *testProgram {
	t.Helper()
	p := &testProgram{t: t, dir: t.TempDir(), down: newDownstream(t), client: newClient(t), log: &record{to: t.Output()}}
	if strings.HasPrefix(t.Name(), onAWS) {
		p.aws = newAccount(t)
	}
	t.Cleanup(func() {
		if p.stop != nil {
			if err := p.stop(); err != nil {
				t.Errorf("the program ended with: %v", err)
			}
		}
	})
	return p
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 4 * patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// record is what the program says, for the test to read and for whoever looks at a
// test that failed.
type record struct {
	to   io.Writer
	mu   sync.Mutex
	text strings.Builder
}

func (l *record) Write(b []byte) (int, error) {
	l.mu.Lock()
	l.text.Write(b)
	l.mu.Unlock()
	return l.to.Write(b)
}

// has counts how often the program said something.
func (l *record) has(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// launch runs the program with steps, given as lines of the configuration.
func launch(t *testing.T, steps ...string) *testProgram {
	t.Helper()
	p := newProgram(t)
	p.start(configuration(steps))
	return p
}

// start runs the program with a configuration until stop or the end of the test.
func (p *testProgram) start(config string) {
	p.t.Helper()
	t := terminal{out: cmp.Or[io.Writer](p.out, p.t.Output()), err: p.t.Output(), env: p.env}
	c := &cli{Config: p.write("redrive.yaml", p.onBackend(config))}
	program, code := c.program(t)
	if code != exitFine {
		p.t.Fatalf("the configuration was refused with exit code %d:\n%s", code, config)
	}
	program.log = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	program.wrap = p.wrap
	at := make(chan net.Addr, 1)
	program.listen = func(a net.Addr) { at <- a }
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	done := make(chan error, 1)
	go func() { done <- program.run(ctx) }()
	select {
	case a := <-at:
		p.url = "http://" + a.String()
	case err := <-done:
		cancel()
		p.t.Fatalf("the program did not start: %v", err)
	}
	p.end = cancel
	p.stop = func() error {
		p.stop = nil
		p.down.open()
		cancel()
		return <-done
	}
	p.ready()
}

// ready waits until the engine takes work.
func (p *testProgram) ready() {
	p.t.Helper()
	eventually(p.t, "readyz", func() int { return p.get("/readyz").status }, is(http.StatusOK))
}

func (p *testProgram) restart(config string) {
	p.t.Helper()
	if err := p.stop(); err != nil {
		p.t.Fatalf("the program ended with: %v", err)
	}
	p.start(config)
}

func (p *testProgram) env(name string) (string, bool) {
	value, set := map[string]string{"DOWNSTREAM": p.down.URL, "GITHUB_SECRET": secret, "TOKEN": bearer}[name]
	return value, set
}

// write puts a file into the program's folder and returns its path.
func (p *testProgram) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// quick is a retry policy for tests that do not look at waits.
const quick = "retry: {attempts: 3, base: 10ms, cap: 20ms, jitter: none}"

// step is a line of the configuration: a step that calls the scripted downstream.
func step(name string, settings ...string) string {
	line := fmt.Sprintf(`      - {name: %s, http: {url: "${DOWNSTREAM}/%s", headers: {Authorization: "${TOKEN}"}}`, name, name)
	if !strings.Contains(strings.Join(settings, " "), "retry:") {
		settings = append(settings, quick)
	}
	return line + ", " + strings.Join(settings, ", ") + "}"
}

// embedded is the backend of a configuration, and what another takes the place of.
const embedded = "embedded: {path: ./data, durability: normal}"

// onBackend is a configuration for the backend of this test.
func (p *testProgram) onBackend(config string) string {
	if p.aws == nil {
		return config
	}
	return strings.Replace(config, embedded, p.aws.backend(), 1)
}

// configuration is a signed pipeline of GitHub webhooks with the given steps, and
// further sections.
func configuration(steps []string, sections ...string) string {
	return strings.Join(append([]string{`listen: 127.0.0.1:0
` + embedded + `
pipelines:
  github:
    intake:
      idempotency_key: header:X-GitHub-Delivery
      signature: {scheme: github, secret: "${GITHUB_SECRET}"}
    steps:
` + strings.Join(steps, "\n")}, sections...), "\n") + "\n"
}

// diamond is the pipeline of the manual: one fans out to two, which join again.
func diamond() []string {
	return []string{step("validate"), step("index", "needs: [validate]"), step("notify", "needs: [validate]"), step("archive", "needs: [index, notify]")}
}

// eventually looks until what it sees will do, and returns it.
func eventually[T any](t *testing.T, what string, look func() T, will func(T) bool) T {
	t.Helper()
	patience, glance := patience, glance
	if strings.HasPrefix(t.Name(), onAWS) {
		patience, glance = patienceAWS, 3*glance
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		seen := look()
		if will(seen) {
			return seen
		}
		select {
		case <-deadline.C:
			text, _ := json.Marshal(seen)
			t.Fatalf("%s: after %s still %s", what, patience, text)
		case <-tick.C:
		}
	}
}

func is[T comparable](want T) func(T) bool { return func(got T) bool { return got == want } }

func atLeast(want int) func(int) bool { return func(got int) bool { return got >= want } }

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
