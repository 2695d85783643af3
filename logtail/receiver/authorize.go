package receiver

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorize calls Authorize.
func (c *core) authorize(r *http.Request, t target) error {
	if c.permit == nil {
		return nil
	}
	err := c.permit(t.withoutSecrets(r), t.collection, t.id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnauthorized):
		return errUnauthorized
	}
	return errForbidden
}

// withoutSecrets returns the request for Authorize. It copies only fields that are known to be safe.
// Others may contain the private ID: a mux puts it into the path values, a middleware into the
// form, and a later version of Go may put it elsewhere.
func (t target) withoutSecrets(r *http.Request) *http.Request {
	_, private, _ := cutLast(r.URL.Path)
	safe := &http.Request{
		Method:     r.Method,
		URL:        &url.URL{Path: t.prefix + "/" + t.collection + "/" + t.id.String()},
		Proto:      r.Proto,
		ProtoMajor: r.ProtoMajor,
		ProtoMinor: r.ProtoMinor,
		Header:     headerWithout(r.Header, private, r.URL.Query().Get("copyId")),
		Body:       http.NoBody,
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		TLS:        r.TLS,
	}
	return safe.WithContext(r.Context())
}

// headerWithout returns a copy of h without the fields that contain a secret. Proxies add fields
// such as X-Original-URI with the path of the request.
func headerWithout(h http.Header, secrets ...string) http.Header {
	holds := func(value string) bool {
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		value = strings.ToLower(value)
		return slices.ContainsFunc(secrets, func(s string) bool {
			return s != "" && strings.Contains(value, strings.ToLower(s))
		})
	}
	clean := h.Clone()
	for name, values := range clean {
		if slices.ContainsFunc(values, holds) {
			delete(clean, name)
		}
	}
	return clean
}
