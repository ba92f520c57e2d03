package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one browser of all tests of pages.
type chromium struct {
	ctx context.Context
	axe string // its source
}

func openChromium(t *testing.T) *chromium {
	t.Helper()
	axe, err := os.ReadFile(cmp.Or(os.Getenv("REDRIVE_AXE"), filepath.Join("..", "..", ".ci", "node_modules", "axe-core", "axe.min.js")))
	if err != nil {
		t.Fatalf("there is no axe-core, which looks at the pages: run .ci/test, which fetches it (%v)", err)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing Chromium: %v", err)
		}
	})
	return &chromium{ctx: ctx, axe: string(axe)}
}

func chromiumPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("REDRIVE_CHROMIUM"), "chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium, which the browser tests need: run .ci/test, which installs one, or set REDRIVE_CHROMIUM to its path")
	return ""
}

// tab is one window on one program. What a page must never do is kept and fails
// the test at its end: an error in the console, a broken content policy, a
// dialog, a request to anybody but the program.
type tab struct {
	t   *testing.T
	ctx context.Context
	b   *chromium
	p   *testProgram

	listening atomic.Bool // the page is told what changes

	mu       sync.Mutex
	wrong    []string
	asked    []string // paths of all requests
	expected map[string]bool
}

// tab opens a window with its own cookies and storage.
func (b *chromium) tab(t *testing.T, p *testProgram) *tab {
	t.Helper()
	w := &tab{t: t, b: b, p: p, expected: map[string]bool{}}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.hear))
	w.ctx = ctx
	w.must("opening a tab", chromedp.Do(ctx))
	t.Cleanup(func() {
		cancel()
		for _, text := range w.complaints() {
			t.Errorf("in the browser: %s", text)
		}
	})
	do(w, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	w.look(wide, light)
	return w
}

func (w *tab) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// do sends one command to the tab.
func do[P, R any](w *tab, command cdp.Command[P, R], params P) R {
	w.t.Helper()
	r, err := chromedp.Call(w.ctx, command, params)
	w.must(command.Method, err)
	return r
}

func (w *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.complain("exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.complain("console: " + spoken(e.Args))
		}
	case *log.EventEntryAdded:
		w.logged(e.Entry)
	case *page.EventJavascriptDialogOpening:
		w.complain("dialog: " + e.Message)
		go chromedp.Call(w.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) //nolint:errcheck // the test has failed already
	case *network.EventRequestWillBeSent:
		w.requested(e.Request.URL)
	case *network.EventResponseReceived:
		if strings.HasPrefix(e.Response.URL, w.p.url+"/events") {
			w.listening.Store(true)
		}
	}
}

func (w *tab) logged(e *log.Entry) {
	if e.Level != log.EntryLevelError && e.Level != log.EntryLevelWarning {
		return
	}
	w.mu.Lock()
	ok := e.Source == log.EntrySourceNetwork && w.expected[e.URL]
	w.mu.Unlock()
	if !ok {
		w.complain(string(e.Source) + ": " + e.Text + " " + e.URL)
	}
}

func (w *tab) requested(url string) {
	path, own := strings.CutPrefix(url, w.p.url)
	if !own && !strings.HasPrefix(url, "data:") {
		w.complain("a request to somebody else: " + url)
	}
	w.mu.Lock()
	w.asked = append(w.asked, path)
	w.mu.Unlock()
}

func (w *tab) complain(text string) {
	w.mu.Lock()
	w.wrong = append(w.wrong, text)
	w.mu.Unlock()
}

func (w *tab) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// expect says that the page at a path answers with an error on purpose.
func (w *tab) expect(path string) {
	w.mu.Lock()
	w.expected[w.p.url+path] = true
	w.mu.Unlock()
}

func spoken(args []*runtime.RemoteObject) string {
	var text []string
	for _, a := range args {
		text = append(text, cmp.Or(strings.Trim(string(a.Value), `"`), a.Description))
	}
	return strings.Join(text, " ")
}
