package config

import "strings"

const defaultListen = "127.0.0.1:8080"

// config reads the top level of the file.
func (r *reader) config(s *section) *Config {
	r.backend = backend(s)
	bs, qs := breakers(s.child("breakers")), foreignQueues(s)
	c := &Config{
		Listen:         read(s, "listen", defaultListen, address),
		BasePath:       read(s, "base_path", "/", basePath),
		PublicURL:      read(s, "public_url", "", publicURL),
		AllowedHosts:   list(s, "allowed_hosts", nil, host),
		TrustedProxies: list(s, "trusted_proxies", nil, proxy),
		Environment:    environment(s.child("environment")),
		Backend:        r.backend,
		Embedded:       embedded(s.child("embedded")),
		AWS:            aws(s.child("aws")),
		LogFormat:      "text",
		Breakers:       bs,
		Queues:         qs,
		Pipelines:      pipelines(s, len(qs) > 0 && r.backend != "embedded"),
		Sweep:          sweep(s.child("sweep")),
	}
	c.Alarms = alarms(s, c)
	c.Notify = routes(s)
	c.Auth = access(s.child("auth"), c)
	c.Limits = limits(s.child("limits"))
	s.close()
	r.override(c)
	r.checkQueues(c)
	r.checkDoor(s, c)
	r.warnProxies(s, c.TrustedProxies)
	r.warnSeverities(s, c)
	r.warnBreakers(c)
	r.warnRegion(c)
	return c
}

// backend reads which backend runs. It is "" where the file says it wrong, so
// that nothing is held against what depends on it.
func backend(s *section) string {
	if _, given := s.get("backend"); !given {
		return "embedded"
	}
	return read(s, "backend", "", oneOf("embedded", "aws"))
}

func environment(s *section) Environment {
	defer s.close()
	return Environment{
		Name:   read(s, "name", "production", line),
		Colour: read(s, "colour", "red", oneOf("grey", "red", "orange", "yellow", "green", "blue", "purple")),
	}
}

func embedded(s *section) Embedded {
	defer s.close()
	return Embedded{
		Path:       s.r.resolve(read(s, "path", "data", folder)),
		Durability: read(s, "durability", "full", oneOf("full", "normal")),
	}
}

func limits(s *section) Limits {
	defer s.close()
	return Limits{
		Ingest: read(s, "ingest", 2000, number(0, 1_000_000, false)),
		API:    read(s, "api", 100, number(0, 1_000_000, false)),
	}
}

func folder(text string) (string, *fault) {
	if strings.TrimSpace(text) == "" || strings.ContainsRune(text, 0) {
		return "", &fault{"is not a folder", "name one, such as ./data"}
	}
	return text, nil
}
