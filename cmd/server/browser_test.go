package main

import "testing"

// The whole program in a real browser, driven with mouse and keys.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := openChromium(t)
	for name, run := range map[string]func(*testing.T, *chromium){
		"every page, in trouble":             pagesInTrouble,
		"every page, with nothing to show":   pagesWithNothing,
		"the demonstration":                  pagesOfDemonstration,
		"a dead letter is redriven":          redriveDrive,
		"a redrive of all that matches":      matchingDrive,
		"a breaker is probed":                breakerDrive,
		"a sweep is run":                     sweepDrive,
		"a step is paused":                   pauseDrive,
		"a fault is started":                 faultDrive,
		"a test message is sent":             messageDrive,
		"a row is discarded and restored":    discardDrive,
		"search and keys":                    keysDrive,
		"without scripts":                    withoutScripts,
		"hostile text":                       hostileText,
		"the door":                           doorDrive,
		"in frames of another site":          framedDrive,
		"the overview follows":               liveOverview,
		"a page at work stands still":        livePause,
		"a list grows only when it is asked": liveList,
		"accounts, every page":               accountPages,
		"accounts, by hand":                  accountDrive,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, b)
		})
	}
}
