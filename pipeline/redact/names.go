package redact

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// nameMost is how long a name may be, in bytes, to be looked at whole; of a
// longer one its end counts.
const nameMost = 64

// How sure a name is.
const (
	noSecret   = iota
	weakName   // names a secret as a rule: "token"
	strongName // nothing else has such a name: "password"
)

// strongParts make a name that of a secret wherever they stand in it.
var strongParts = []string{
	"password", "passwd", "passphrase", "passcode", "secret", "credential",
	"apikey", "accesskey", "privatekey", "signingkey", "encryptionkey", "authkey", "masterkey", "accountkey", "sharedkey",
	"authorization", "authorisation", "accesstoken", "authtoken", "refreshtoken", "idtoken", "sessiontoken", "securitytoken", "bearer",
	"cookie", "sessionid", "sessionkey", "sessid",
	"cardnumber", "cardnum", "cardno", "creditcard", "ccnumber", "ccnum", "securitycode", "connectionstring",
}

// weakEnds make a name that of a secret when it ends so.
var weakEnds = []string{"token", "tokens", "pwd", "jwt", "otp", "signature"}

// weakNames are those of secrets as they stand.
var weakNames = []string{"pass", "pin", "cvc", "cvv", "cvv2", "csc", "ssn", "pan", "auth", "sid", "sig", "session", "psk", "dsn"}

// harmless are parts of names that look like one of the above.
var harmless = strings.NewReplacer("secretary", "", "secretariat", "", "passwordless", "", "tokentype", "", "tokencount", "",
	"totaltokens", "", "prompttokens", "", "completiontokens", "", "inputtokens", "", "outputtokens", "", "maxtokens", "", "pagetoken", "",
	"accesstokensurl", "", "accesstokenurl", "", "cookieconsent", "", "cookiepolicy", "", "bearerformat", "")

// headerNames are those of HTTP headers whose whole value is secret, with blanks
// in it.
var headerNames = []string{"authorization", "proxyauthorization", "cookie", "setcookie", "xamzsecuritytoken"}

// lookalikes are letters of other scripts that read as Latin ones.
var lookalikes = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'һ': 'h', 'н': 'h', 'і': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o', 'р': 'p', 'ѕ': 's', 'т': 't', 'у': 'y', 'х': 'x', 'ѵ': 'v', 'ԝ': 'w',
	'α': 'a', 'ε': 'e', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ϲ': 'c',
	'ı': 'i', 'ɑ': 'a', 'ɡ': 'g', 'ո': 'n', 'օ': 'o', 'ѡ': 'w',
}

// Name tells whether what stands under a name is secret, however the name is
// written: "API-Key", "apiKey", "ａｐｉ＿ｋｅｙ".
func Name(name string) bool { return nameOf(plainName(name)) != noSecret }

func nameOf(plain string) int {
	if len(plain) < 3 {
		return noSecret
	}
	if slices.ContainsFunc(strongParts, func(part string) bool { return strings.Contains(plain, part) }) {
		plain = harmless.Replace(plain)
		if slices.ContainsFunc(strongParts, func(part string) bool { return strings.Contains(plain, part) }) {
			return strongName
		}
	}
	if slices.Contains(weakNames, plain) {
		return weakName
	}
	for _, end := range weakEnds {
		if strings.HasSuffix(plain, end) && strings.HasSuffix(harmless.Replace(plain), end) {
			return weakName
		}
	}
	return noSecret
}

// plainName is a name in small Latin letters and digits alone.
func plainName(name string) string {
	if len(name) > nameMost {
		name = name[len(name)-nameMost:]
	}
	var b strings.Builder
	b.Grow(len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 0x80:
			return foreignName(name)
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// foreignName does it for other letters: full-width ones, those with accents and
// those of other scripts that look the same.
func foreignName(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(name, "")) {
		r = unicode.ToLower(r)
		if latin, ok := lookalikes[r]; ok {
			r = latin
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
