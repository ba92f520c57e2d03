package config

import (
	"reflect"
	"strings"
	"testing"
)

// open are the addresses that other machines reach, or may.
var open = []string{
	"0.0.0.0:8080", ":8080", "[::]:8080", "[::ffff:127.0.0.1]:8080", "[::ffff:0.0.0.0]:8080", "10.0.0.7:8080", "[fe80::1%eth0]:8080", "[::1%lo]:8080",
	"192.168.1.9:8080", "redrive.example.com:8080", "my-laptop:8080", "localhost.:8080", "localhost.example.com:8080", "127.1:8080", "2130706433:8080", "0177.0.0.1:8080",
}

const shut = "add auth: {local: true} or auth: {oidc: {issuer: ...}}, or listen on 127.0.0.1 and put nothing in front of it"

func TestAnOpenDoorWithoutAuthIsRefused(t *testing.T) {
	t.Parallel()
	const says = `can be reached from other machines and there is no auth section that says who may come in, ` + shut
	for _, address := range open {
		_, mistakes := Parse("f", []byte(smallest+"listen: '"+address+"'\n"), Overrides{}, environ())
		if got, want := lines(mistakes), `f:2: listen "`+address+`" `+says+"\n"; got != want {
			t.Errorf("in the file: got\n%swant\n%s", got, want)
		}
		_, mistakes = Parse("f", []byte(smallest), Overrides{Listen: address}, environ())
		if got, want := lines(mistakes), `--listen: "`+address+`" `+says+"\n"; got != want {
			t.Errorf("as a flag: got\n%swant\n%s", got, want)
		}
		c := valid(t, smallest+"listen: '"+address+"'\nauth: {local: true}\npublic_url: https://h\n", Overrides{}, environ())
		if c.Listen != address || !c.Auth.Enabled() {
			t.Errorf("%s with auth: %+v", address, c.Auth)
		}
	}
	for _, address := range []string{"127.0.0.1:8080", "127.9.9.9:0", "[::1]:8080", "localhost:8080", "LOCALHOST:8080"} {
		valid(t, smallest, Overrides{Listen: address}, environ())
	}
}

func TestMistakesOfAuth(t *testing.T) {
	t.Parallel()
	const (
		oidc    = "auth:\n  oidc:\n    client_secret: x\n"
		keys    = "auth:\n  ingest_keys:\n"
		another = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
	)
	for _, tc := range []struct{ name, text, want string }{
		{"unknown keys", "auth: {locl: true, sessions: {idel: 1m}, oidc: {issuer: 'https://h', client_secret: x, scope: y, roles: {owner: [a], admin: [b]}}}\n",
			"f:2: unknown key \"owner\" in roles, the nearest known key is \"viewer\"\nf:2: unknown key \"scope\" in oidc, the nearest known key is \"roles\"\n" +
				"f:2: unknown key \"idel\" in sessions, the nearest known key is \"idle\"\nf:2: unknown key \"locl\" in auth, the nearest known key is \"local\""},
		{"wrong shapes", "auth: [local]\n", "f:2: auth is a list, write keys and values below it"},
		{"neither true nor false", "auth: {local: yes}\n", `f:2: local "yes" is neither true nor false, write one of them`},
		{"an empty provider", "auth:\n  oidc: {client_id: x}\n", "f:3: oidc has no issuer, add issuer: and the provider's https URL\nf:3: oidc has no client_secret, add client_secret or client_secret_file"},
		{"an issuer in the clear", oidc + "    issuer: http://id.example.com\n", "f:5: issuer \"http://id.example.com\" is not https, write https://, else whoever is on the way can sign anybody in"},
		{"an issuer that is a page", oidc + "    issuer: https://id.example.com/?x=1\n", "f:5: issuer \"https://id.example.com/?…\" has a query, write it as the provider's own configuration names it"},
		{"no issuer", oidc + "    issuer: id.example.com\n", "f:5: issuer \"id.example.com\" is not an absolute http or https URL, write one such as http://127.0.0.1:9001/path"},
		{"a secret that is not shown", "auth:\n  oidc:\n    issuer: https://h\n    client_secret: ''\n", "f:5: client_secret is empty, give the client_secret or leave the key out"},
		{"two roles of one value", oidc + "    issuer: https://h\n    roles:\n      viewer: [all, ops]\n      admin: [ops, ops]\n",
			"f:8: admin has ops twice, keep one of them\nf:8: the value \"ops\" gives the roles viewer and admin, keep it in one of them"},
		{"roles for nobody", oidc + "    issuer: https://h\n    roles: {admin: []}\n", "f:6: roles gives nobody a role, so nobody could come in, write roles: {admin: [value]}, or leave it out"},
		{"nowhere to come back to", oidc + "    issuer: https://h\nlisten: 0.0.0.0:8080\n",
			"f:2: oidc has no address to send people back to: public_url is left out and listen \"0.0.0.0:8080\" is no loopback address, add public_url: https://redrive.example.com, as people see it"},
		{"sessions", "auth:\n  sessions:\n    idle: 30s\n    absolute: 2000000h\n  bulk: -1\n",
			"f:4: idle \"30s\" is too short, give at least 1m\nf:5: absolute \"2000000h\" is too long, give at most 2160h\nf:6: bulk \"-1\" is out of range, give a whole number from 0 to 1000000"},
		{"a session that cannot be idle", "auth: {sessions: {absolute: 20m}}\n", "f:2: a session ends after 20m in all, before it can be idle for 30m, make absolute the longer one"},
		{"ingest keys alone guard no console", "auth: {ingest_keys: [{name: a, pipeline: p, key_sha256: " + keySHA + "}]}\nlisten: :8080\n",
			`f:3: listen ":8080" can be reached from other machines and auth has ingest_keys alone, which keep nobody out of the console, ` + shut},
		{"an empty key", keys + "  - {}\n  - 7\n", "f:4: ingest key has no name, add name: and who sends with it\nf:4: ingest key has no pipeline, add pipeline: and the one it opens\n" +
			"f:4: ingest key has no key_sha256, add key_sha256: and what `printf %s KEY | sha256sum` prints\nf:5: ingest key is a single value, write keys and values below it"},
		{"an unknown pipeline", keys + "  - name: a\n    pipeline: q\n    key_sha256: " + keySHA + "\n", `f:5: ingest key "a" opens pipeline "q", which is not under pipelines, the nearest is "p"`},
		{"the key itself", keys + "  - name: a\n    pipeline: p\n    key_sha256: sesame\n", "f:6: key_sha256 \"sesame\" is not a SHA-256, write the 64 hex digits that `printf %s KEY | sha256sum` prints"},
		{"one digit short", keys + "  - {name: a, pipeline: p, key_sha256: " + keySHA[1:] + "}\n", "f:4: key_sha256 \"" + keySHA[1:] + "\" is not a SHA-256, write the 64 hex digits that `printf %s KEY | sha256sum` prints"},
		{"the hash of nothing", keys + "  - {name: a, pipeline: p, key_sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}\n",
			"f:4: key_sha256 \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" is the hash of an empty key, write the 64 hex digits that `printf %s KEY | sha256sum` prints"},
		{"names and keys twice", keys + "  - {name: a, pipeline: p, key_sha256: " + keySHA + "}\n  - {name: a, pipeline: p, key_sha256: " + another + "}\n  - {name: b, pipeline: p, key_sha256: " + strings.ToUpper(keySHA) + "}\n",
			"f:5: there are two ingest keys called \"a\", the other in line 4, give it another name\nf:6: ingest key \"b\" is the same key as the one in line 4, make a key of its own for each sender and pipeline"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, mistakes := Parse("f", []byte(smallest+tc.text), Overrides{}, environ())
			if c != nil {
				t.Error("a configuration comes with the mistakes")
			}
			if got := lines(mistakes); got != tc.want+"\n" {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}

func TestAuthLeftOutOrEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "auth:\n", "auth: {}\n", "auth: {local: false}\n", "auth: {ingest_keys: []}\n"} {
		if c := valid(t, smallest+text, Overrides{}, environ()); c.Auth.Enabled() {
			t.Errorf("%q: %+v", text, c.Auth)
		}
	}
}

func TestDefaultsOfOIDC(t *testing.T) {
	t.Parallel()
	c := valid(t, smallest+"auth: {oidc: {issuer: 'http://127.0.0.1:5556/dex', client_secret: x}}\n", Overrides{}, environ())
	want := &OIDC{Issuer: "http://127.0.0.1:5556/dex", ClientID: "redrive", ClientSecret: NewSecret("x"), RolesClaim: "groups",
		Roles: OIDCRoles{Viewer: []string{"viewer"}, Operator: []string{"operator"}, Admin: []string{"admin"}}}
	if !reflect.DeepEqual(c.Auth.OIDC, want) || !c.Auth.Enabled() {
		t.Errorf("got %+v, want %+v", c.Auth.OIDC, want)
	}
}
