package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Config says which provider is trusted, and for what.
type Config struct {
	Issuer       string              // as the provider writes it, https; http on a loopback address alone
	ClientID     string              // of this program at the provider
	ClientSecret string              // "" for a public client
	RedirectURL  string              // where the browser comes back to, as registered at the provider
	RolesClaim   string              // claim of the ID token, dots lead into objects; "" for groups
	Roles        map[string][]string // viewer, operator or admin: the exact values that give it; empty: these three names themselves
	Transport    http.RoundTripper   // of every call; nil: a direct one, without the proxy of the environment
}

// Identity is who signed in.
type Identity struct {
	Subject   string    // the provider's own id of the person, which never changes
	Name      string    // for people and the audit: "oidc:" and a name, at most 133 characters; the prefix keeps it apart from local users
	Role      string    // viewer, operator or admin
	AuthTime  time.Time // when the person last proved who they are; zero where the provider does not say
	SessionID string    // of the session at the provider, "" where it does not say
}

// Prefix begins the name of everybody who signs in here.
const Prefix = "oidc:"

const (
	defaultRolesClaim = "groups"
	mostDots          = 8 // of roles_claim; each doubles the places to look
)

// roles are the roles there are, the highest first.
var roles = [...]string{"admin", "operator", "viewer"}

// Provider signs people in at one provider. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client
	asking singleflight.Group

	mu    sync.Mutex
	known *metadata // nil until it was read once
}

// New checks the configuration and asks nothing of the network. Its error is a sentence
// for the person who wrote the configuration.
func New(cfg Config) (*Provider, error) {
	if err := checkIssuer(cfg.Issuer); err != nil {
		return nil, err
	}
	if cfg.ClientID == "" {
		return nil, errors.New("client_id is missing; it is the name this program has at the provider")
	}
	back, err := url.Parse(cfg.RedirectURL)
	if err != nil || back.Host == "" || back.Fragment != "" || (back.Scheme != "https" && back.Scheme != "http") {
		return nil, fmt.Errorf("the address to come back to, %q, is not a whole http or https URL; set public_url", cfg.RedirectURL)
	}
	if err := checkRoles(cfg.Roles); err != nil {
		return nil, err
	}
	if strings.Count(cfg.RolesClaim, ".") > mostDots {
		return nil, fmt.Errorf("roles_claim has more than %d dots; it is a claim of the ID token, such as groups or realm_access.roles", mostDots)
	}
	cfg.RolesClaim = cmp.Or(cfg.RolesClaim, defaultRolesClaim)
	if len(cfg.Roles) == 0 {
		cfg.Roles = map[string][]string{}
		for _, role := range roles {
			cfg.Roles[role] = []string{role}
		}
	}
	return &Provider{cfg: cfg, client: newClient(cfg.Transport)}, nil
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(issuer, "?#"):
		return fmt.Errorf("issuer %q is not a URL such as https://id.example.com", issuer)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("issuer %q has to begin with https://: without TLS anybody on the way can sign in as anybody", issuer)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func checkRoles(given map[string][]string) error {
	for role, values := range given {
		if !slices.Contains(roles[:], role) {
			return fmt.Errorf("%q is no role; the roles are viewer, operator and admin", role)
		}
		if slices.Contains(values, "") {
			return fmt.Errorf("an empty value gives the role %s; write the value of the claim that shall give it", role)
		}
	}
	return nil
}
