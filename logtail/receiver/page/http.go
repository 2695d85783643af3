package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/hosts"
)

//go:embed assets
var assets embed.FS

// policy allows nothing but the files and requests of the page itself, and no HTML from scripts.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP implements [http.Handler].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	site := r.Header.Get("Sec-Fetch-Site")
	foreign := site == "cross-site" || site == "same-site" // of another port of this machine
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case !p.opts.AnyHost && !hosts.IsLocalHeader(r.Host):
		http.Error(w, "ask for localhost or its address", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
	case foreign && (name != "" || r.Header.Get("Sec-Fetch-Mode") != "navigate"): // a link to the page is fine
		http.Error(w, "asked for by another site", http.StatusForbidden)
	case name == "":
		p.serveAsset(w, r, "index.html")
	case name == "data.json":
		p.serveData(w, r)
	case name == "events":
		p.serveEvents(w, r)
	default:
		p.serveAsset(w, r, name)
	}
}

// serveAsset serves a file of the page.
func (p *Page) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	content, err := assets.ReadFile("assets/" + name) // which refuses unclean paths
	if err != nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// serveData answers a query.
func (p *Page) serveData(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > maxQuery {
		http.Error(w, "too long a query", http.StatusBadRequest)
		return
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil {
		var body []byte
		if body, err = p.answer(values); err == nil {
			w.Header().Set("Content-Type", "application/json")
			w.Write(body)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// answer returns the JSON that answers a query. Equal queries share an answer until the next event, but for at
// most a second.
func (p *Page) answer(values url.Values) ([]byte, error) {
	q, err := parseQuery(values)
	if err != nil {
		return nil, err
	}
	skipped := p.waiting.Skipped()
	var problems []string
	if p.opts.Problem != nil {
		if s := p.opts.Problem(); s != "" {
			problems = append(problems, s)
		}
	}
	key := fmt.Sprintf("%s\n%d\n%q", values.Encode(), skipped, problems)
	given := p.givenNames()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.made) >= maxAge || len(p.cached) >= maxAnswers {
		p.cached, p.made = nil, now
	}
	if body, ok := p.cached[key]; ok {
		return body, nil
	}
	a := p.store.answer(q, now, given)
	a.Notes = notes{Filling: p.filling, Skipped: skipped, Problems: append(problems, p.problems...), Collector: p.opts.Collector}
	body, err := json.Marshal(a)
	p.spent += time.Since(now)
	if p.cached == nil {
		p.cached = make(map[string][]byte)
	}
	p.cached[key] = body
	return body, err
}

// givenNames returns the names that Options.Name gives the nodes, by their IDs.
func (p *Page) givenNames() map[string]string {
	if p.opts.Name == nil {
		return nil
	}
	p.mu.Lock()
	ids := slices.Collect(maps.Keys(p.store.nodes.byID))
	p.mu.Unlock()
	given := make(map[string]string, len(ids))
	for _, id := range ids {
		given[id] = p.opts.Name(id)
	}
	return given
}
