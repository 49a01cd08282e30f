// Package e2e holds tests that drive the real binaries against real engines: the sandbox's embedded one, or
// whatever VIDA_TEST_SOURCE_URI and VIDA_TEST_TARGET_URI name.
package e2e
