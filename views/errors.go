package views

func (p ErrorProps) heading() string {
	switch p.Status {
	case 404:
		return "Not found"
	case 405:
		return "Not possible here"
	case 503:
		return "The store does not answer"
	case 403, 401:
		return "Not allowed"
	case 409:
		return "Nothing was done"
	default:
		if p.Status >= 500 {
			return "That is our mistake"
		}
		return "That did not work"
	}
}

func (p ErrorProps) icon() string {
	switch {
	case p.Status == 404:
		return "search"
	case p.Status >= 500:
		return "a-alarm"
	default:
		return "info"
	}
}

func (p ErrorProps) advice() string {
	switch {
	case p.Status == 404:
		return "It may have been deleted when its retention was over, or the address has a mistake in it."
	case p.Status == 503:
		return "Rows that were answered with 202 are stored and wait. New ones are refused until the store answers again."
	case p.Status >= 500:
		return "Rows are not affected by a page that fails. The log says more under the number of this request."
	case p.Again == "":
		return "Nothing was changed. Go back, and what you typed is still there."
	default:
		return "Nothing was changed."
	}
}

func (p ErrorProps) worthAnother() bool {
	return p.Again != "" && p.Status >= 500
}
