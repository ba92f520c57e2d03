// Package awstest is AWS as far as tests need it, on loopback: emulators of SQS
// and DynamoDB, a proxy that injects faults in front of them, and fakes of
// CloudWatch, SNS, Lambda and STS that speak the SDK's own protocols.
//
// Nothing here stands for AWS where an emulator and AWS's documentation differ.
// Only tests import it. Servers and synctest do not go together: an idle
// connection holds a bubble's clock, so all of it is used outside of one.
package awstest
