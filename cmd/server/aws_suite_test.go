package main

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// What the program promises does not depend on its backend: the tests of the
// whole program run on AWS as they do on the embedded one.
func TestAWS(t *testing.T) {
	for _, test := range []func(*testing.T){
		TestAlarmGoesOff, TestUsualAlarms,
		TestWhatDoesNotExist, TestUnknownQueryParameters, TestMalformedRequests, TestPagesAnswer,
		TestForcedBreaker, TestSharedBreaker, TestBreakerRefusals,
		TestBreakerOpensAndNothingIsCalled, TestBreakerProbes, TestBreakerHealsByItself, TestBreakerClosesOnFewProbes,
		TestPermanentAnswersCloseABreaker, TestBreakerProbesWithRetryingRows,
		TestRunOneStep, TestBasePath,
		TestDeadLettersAreListed, TestDeadLettersAreGroupedByCause, TestARowThatDiesAgainGetsANewLetter,
		TestDiscardAndRestoreOneRow, TestDiscardMany, TestDiscardARowOnItsWay,
		TestEventsTellOfChanges, TestFaultEndsByItself, TestFaultsThrottleAndDelay, TestFaultRefusals, TestEveryFieldIsThere,
		TestFanOutAndJoin, TestTraceGoesOn, TestResultIsCut, TestRowsAreListed,
		TestAddedStep, TestRemovedStep, TestRewiredSteps, TestRemovedPipeline,
		TestLargestBatch, TestIntake, TestMetrics, TestOneKeyAtTheSameMoment, TestRedrivesOfTheSameLetters,
		TestRedriveSelects, TestRedriveRefusals, TestRedriveRenewsTheBudget, TestRedriveTellsOfWhatFailsAgain, TestRedriveKeepsItsRate,
		TestRedrivePausesResumesAndIsCancelled, TestRedriveWaitsBehindAnOpenBreaker, TestRedriveIsFrozen, TestRedriveSurvivesARestart,
		TestReplayOneRow, TestReplayADeadStep, TestReplayAWindow,
		TestKilledProgramLosesNothing, TestSignalEndsTheProgramCleanly, TestSecondSignalEndsTheProgramAtOnce, TestRedriveSurvivesAKill, TestRetryingRowSurvivesARestart,
		TestTransientFailuresAreTriedAgain, TestThrottlingUsesNoBudget, TestRetryAfterIsHonouredUpToAnHour, TestPermanentFailuresDieAtOnce,
		TestBudgetEnds, TestWithoutBudgetItIsTriedUntilItSucceeds, TestBrokenCalls,
		TestPausedStep, TestConcurrencyOfAStep, TestRateOfAStep, TestWaitingRowsAreCounted, TestFallingBehind, TestStepRefusals,
		TestSweepMendsAStuckRow, TestSweepLeavesHealthyRowsAlone, TestSweepSchedule,
	} {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		t.Run(strings.TrimPrefix(name[strings.LastIndex(name, ".")+1:], "Test"), test)
	}
}
