package pagetest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	qt "github.com/frankban/quicktest"
)

// browserEnv is the environment variable with the path of Chromium. Without it the tests of this module are
// skipped.
const browserEnv = "NETLOG_CHROMIUM"

// command is the netlog command, built once.
var command = sync.OnceValues(func() (path string, err error) {
	dir, err := os.MkdirTemp("", "netlog-page-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "netlog")
	build := exec.Command("go", "build", "-o", path, "./cmd/netlog")
	build.Dir = filepath.Join("..", "..")
	out, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := command(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// served is a running netlog serve.
type served struct {
	url  string // where nodes send
	page string
	dir  string
	cmd  *exec.Cmd
}

// serve starts netlog serve with the files in dir.
func serve(c *qt.C, dir string, args ...string) *served {
	c.Helper()
	path, err := command()
	c.Assert(err, qt.IsNil)
	s := &served{dir: dir}
	s.start(c, path, append([]string{"serve", "-addr", "127.0.0.1:0", "-ui", "127.0.0.1:0", "-dir", dir, "-min-free", "0"}, args...))
	return s
}

var (
	servedAt = regexp.MustCompile(`serve: (http://[0-9.:]+), `)
	pageAt   = regexp.MustCompile(`traffic at (http://[0-9.:]+/)\n`)
)

func (s *served) start(c *qt.C, path string, args []string) {
	c.Helper()
	s.cmd = exec.Command(path, args...)
	stderr, err := s.cmd.StderrPipe()
	c.Assert(err, qt.IsNil)
	c.Assert(s.cmd.Start(), qt.IsNil)
	c.Cleanup(s.stop)
	said := ""
	for buf := make([]byte, 4096); s.url == ""; {
		n, err := stderr.Read(buf)
		c.Assert(err, qt.IsNil, qt.Commentf("%s", said))
		said += string(buf[:n])
		url, page := servedAt.FindStringSubmatch(said), pageAt.FindStringSubmatch(said)
		switch {
		case url == nil:
		case page != nil:
			s.url, s.page = url[1], page[1]
		case slices.Contains(args, "off"):
			s.url = url[1]
		}
	}
	go io.Copy(io.Discard, stderr)
}

// serveText serves a page of another origin and returns its URL.
func serveText(c *qt.C, html string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, html)
	}))
	c.Cleanup(srv.Close)
	return srv.URL
}

func (s *served) stop() {
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
}

// send sends entries of a node.
func (s *served) send(c *qt.C, m *mesh, node int, entries ...[]byte) {
	c.Helper()
	text, err := m.ids[node].MarshalText()
	c.Assert(err, qt.IsNil)
	var body strings.Builder
	for _, e := range entries {
		body.Write(e)
	}
	resp, err := http.Post(s.url+"/c/netlog/"+string(text), "application/json", strings.NewReader(body.String()))
	c.Assert(err, qt.IsNil)
	resp.Body.Close()
	c.Assert(resp.StatusCode, qt.Equals, http.StatusOK)
}

// window sends what all nodes record of the window that ends at a time.
func (s *served) window(c *qt.C, m *mesh, end time.Time) {
	c.Helper()
	for node, message := range m.messages(end, m.links(end)) {
		if message != nil {
			s.send(c, m, node, m.entry(node, message, time.Time{}))
		}
	}
}

// fmt returns what netlog fmt prints of the files.
func (s *served) fmt(c *qt.C, args ...string) string {
	c.Helper()
	path, err := command()
	c.Assert(err, qt.IsNil)
	out, err := exec.Command(path, append(append([]string{"fmt"}, args...), s.dir)...).Output()
	c.Assert(err, qt.IsNil)
	return string(out)
}

// browser is a tab of a headless Chromium. It fails the test if the page writes to the console, or asks another
// host for anything.
type browser struct {
	c   *qt.C
	ctx context.Context

	mu      sync.Mutex // guards the fields below
	faults  []string
	allowed *string // part of faults that are expected; nil: none are
}

// needBrowser skips the test if there is no Chromium, and returns its path.
func needBrowser(c *qt.C) string {
	c.Helper()
	path := os.Getenv(browserEnv)
	if path == "" {
		c.Skip(browserEnv + " is not set to the path of Chromium")
	}
	return path
}

// newBrowser starts Chromium with a window of a size. It must end before the server that it shows.
func newBrowser(c *qt.C, width, height int, more ...chromedp.ExecAllocatorOption) *browser {
	c.Helper()
	path := needBrowser(c)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(width, height))
	opts = append(opts, more...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	c.Cleanup(cancel)
	b := newTab(c, ctx)
	b.size(width, height)
	return b
}

// newTab returns a tab of the browser of a context, or of a new browser.
func newTab(c *qt.C, parent context.Context) *browser {
	c.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	c.Cleanup(cancel)
	b := &browser{c: c, ctx: ctx}
	c.Assert(chromedp.Do(ctx), qt.IsNil) // the first call starts the browser, and its context must not end
	c.Assert(chromedp.Listen(ctx, b.event), qt.IsNil)
	call(b, runtime.Enable, cdp.Empty{})
	call(b, log.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"})
	c.Cleanup(b.check)
	return b
}

// event notes what a page must not do.
func (b *browser) event(event any) {
	fault := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		fault = fmt.Sprintf("console: %s %v", e.Type, e.Args)
	case *runtime.EventExceptionThrown:
		fault = fmt.Sprintf("exception: %+v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		fault = fmt.Sprintf("log: %s %s", e.Entry.Text, e.Entry.URL)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Hostname() != "127.0.0.1" {
			fault = "request to " + e.Request.URL
		}
	}
	if fault != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, fault)
	}
}

// check fails the test if the page did what it must not.
func (b *browser) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.c.Check(b.allowed != nil && strings.Contains(f, *b.allowed), qt.IsTrue, qt.Commentf("%s", f))
	}
}

// allow allows faults that contain a text.
func (b *browser) allow(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = &text
}

// timeout limits each step of a test.
const timeout = 20 * time.Second

// do runs an action and returns its result.
func do[T any](b *browser, action chromedp.Action[T]) T {
	b.c.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	b.c.Assert(err, qt.IsNil)
	return v
}

// call runs a command of the protocol.
func call[P, R any](b *browser, command cdp.Command[P, R], params P) R {
	b.c.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	v, err := chromedp.Call(ctx, command, params)
	b.c.Assert(err, qt.IsNil)
	return v
}

func (b *browser) size(width, height int) {
	b.c.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(width), Height: int64(height), DeviceScaleFactor: 1, Mobile: width < 500,
	})
}

// scheme chooses dark or light.
func (b *browser) scheme(name string) {
	b.c.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// open opens a page and waits until it shows something.
func (b *browser) open(url string) {
	b.c.Helper()
	do(b, chromedp.Navigate(url))
	b.await(`document.querySelector("#status").textContent.startsWith("live") || !document.querySelector("#notes").hidden`)
}

// eval returns the value of a JavaScript expression.
func eval[T any](b *browser, expression string) T {
	b.c.Helper()
	return do(b, chromedp.Evaluate[T](expression))
}

// do runs a JavaScript statement.
func (b *browser) do(statement string) {
	b.c.Helper()
	eval[bool](b, "("+statement+", true)")
}

// await waits until a JavaScript expression is true.
func (b *browser) await(expression string) {
	b.c.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(20*time.Millisecond)))
	b.c.Assert(err, qt.IsNil, qt.Commentf("waiting for %s", expression))
}

// press types keys.
func (b *browser) press(keys string) {
	b.c.Helper()
	do(b, chromedp.KeyEvent(keys))
}

// shot keeps a picture of what is in the window as an artifact of the test: see go test -artifacts.
func (b *browser) shot(t *testing.T, name string) {
	b.c.Helper()
	picture := do(b, chromedp.CaptureScreenshot())
	b.c.Assert(os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), picture, 0o644), qt.IsNil)
}
