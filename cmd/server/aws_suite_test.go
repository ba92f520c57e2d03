package main

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// What the program promises does not depend on its backend: the tests of the
// whole program run on AWS as they do on the embedded one. Left out are those
// that no store has a part in.
func TestAWS(t *testing.T) {
	t.Parallel()
	for _, test := range []func(*testing.T){
		TestKilledProgramLosesNothing, TestRedriveSurvivesAKill, TestFallingBehind, // the longest first
		TestSignalEndsTheProgramCleanly, TestSecondSignalEndsTheProgramAtOnce, TestRetryingRowSurvivesARestart,
		TestIntake, TestLargestBatch, TestOneKeyAtTheSameMoment,
		TestFanOutAndJoin, TestResultIsCut, TestRowsAreListed, TestPagesAnswer, TestEveryFieldIsThere, TestMetrics, TestEventsTellOfChanges,
		TestTransientFailuresAreTriedAgain, TestThrottlingUsesNoBudget, TestRetryAfterIsHonouredUpToAnHour, TestPermanentFailuresDieAtOnce,
		TestBudgetEnds, TestWithoutBudgetItIsTriedUntilItSucceeds, TestBrokenCalls,
		TestDeadLettersAreListed, TestDeadLettersAreGroupedByCause, TestARowThatDiesAgainGetsANewLetter,
		TestRedriveSelects, TestRedriveRenewsTheBudget, TestRedriveTellsOfWhatFailsAgain, TestRedriveKeepsItsRate, TestRedrivesOfTheSameLetters,
		TestRedrivePausesResumesAndIsCancelled, TestRedriveWaitsBehindAnOpenBreaker, TestRedriveIsFrozen, TestRedriveSurvivesARestart,
		TestDiscardAndRestoreOneRow, TestDiscardMany, TestDiscardARowOnItsWay,
		TestReplayOneRow, TestReplayADeadStep, TestReplayAWindow,
		TestBreakerOpensAndNothingIsCalled, TestBreakerProbes, TestBreakerHealsByItself, TestBreakerClosesOnFewProbes,
		TestBreakerProbesWithRetryingRows, TestForcedBreaker, TestSharedBreaker,
		TestAlarmGoesOff, TestPausedStep, TestConcurrencyOfAStep, TestRateOfAStep, TestWaitingRowsAreCounted,
		TestSweepMendsAStuckRow, TestSweepLeavesHealthyRowsAlone, TestSweepSchedule,
		TestFaultEndsByItself, TestFaultsThrottleAndDelay, TestAddedStep, TestRemovedStep, TestRewiredSteps, TestRemovedPipeline, TestRunOneStep, TestAuditIsVerified, TestSecretsOfAPayloadAreToldNowhere,
	} {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		t.Run(strings.TrimPrefix(name[strings.LastIndex(name, ".")+1:], "Test"), test)
	}
}
