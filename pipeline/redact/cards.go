package redact

// cards masks the numbers of payment cards, written with or without blanks and
// dashes.
func cards(s string) string {
	e := editor{in: s}
	for i := 0; i < len(s); {
		if !digit(s[i]) || i > 0 && (digit(s[i-1]) || letter(s[i-1])) {
			i++
			continue
		}
		if to := cardEnd(s, i); to > 0 {
			e.mask(i, to)
			i = to
			continue
		}
		i++
	}
	return e.String()
}

// A card has 13 to 19 digits.
const (
	cardLeast = 13
	cardMost  = 19
)

// cardEnd is where the card's number that begins at i ends; 0 if none does.
func cardEnd(s string, i int) int {
	var number [cardMost]byte
	end, n := 0, 0
	for to := i; to < len(s); to++ {
		switch {
		case digit(s[to]) && n < cardMost:
			number[n] = s[to] - '0'
			n++
			if over := to+1 == len(s) || !digit(s[to+1]) && !letter(s[to+1]); over && ofABrand(number[:n]) && luhn(number[:n]) {
				end = to + 1
			}
		case (s[to] == ' ' || s[to] == '-') && digit(s[to-1]):
		default:
			return end
		}
	}
	return end
}

func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// ofABrand tells whether a number begins as those of a brand of cards do and is
// as long as they are.
func ofABrand(digits []byte) bool {
	n := len(digits)
	if n < cardLeast {
		return false
	}
	first := 0
	for _, d := range digits[:4] {
		first = first*10 + int(d)
	}
	switch {
	case first/1000 == 4:
		return n == 13 || n == 16 || n == 19
	case first/100 >= 51 && first/100 <= 55, first >= 2221 && first <= 2720:
		return n == 16
	case first/100 == 34, first/100 == 37:
		return n == 15
	case first/10 >= 300 && first/10 <= 305, first/100 == 36, first/100 == 38:
		return n == 14 || n == 16
	case first/100 == 35, first/100 == 50, first/100 >= 56 && first/100 <= 58, first/1000 == 6:
		return n >= 16
	default:
		return false
	}
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
