package cosmos

import (
	"fmt"
	"time"

	"vida/sandbox/wire"
)

// Codes that the account answers with.
const (
	codeBadValue          = 2
	codeInvalidLength     = 4
	codeTooLarge          = 16
	codeNamespaceNotFound = 26
	codeCursorNotFound    = 43
	codeExceededTimeLimit = 50
	codeCommandNotFound   = 59
	codeNotSupported      = 115
	codeRateTooLarge      = 16500
	codeUnknownStage      = 40324
)

// What RetryAfterMs has been seen to be.
const (
	leastRetryAfter = 4 * time.Millisecond
	mostRetryAfter  = 2238 * time.Millisecond
)

const retryableWritesMessage = `Retryable writes are not supported. Please disable retryable writes by specifying "retrywrites=false" in the connection string or an equivalent driver specific config.`

const unindexedSortMessage = "Error=2, Details='Response status code does not indicate success: BadRequest (400); Reason: (The index path corresponding to the specified order-by item is excluded.)'"

const tooLargeMessage = "Error=16, Details='Response status code does not indicate success: RequestEntityTooLarge (413); Substatus: 0; Reason: (Request size is too large)'"

// rateMessage is a throttled command's or operation's message; the hint comes and goes as the profile says.
func (d *Double) rateMessage(wait time.Duration, whole bool) string {
	details := "Batch write error."
	if whole {
		details = "Response status code does not indicate success: TooManyRequests (429); Substatus: 3200; Reason: (Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later.)"
	}
	if d.profile.RetryAfter == RetryAfterNever || d.profile.RetryAfter == RetryAfterSometimes && d.luck(0.5) {
		if !whole {
			details = "Insert error."
		}
		return fmt.Sprintf("Error=%d, Details='%s'", codeRateTooLarge, details)
	}
	wait = min(max(wait, leastRetryAfter), mostRetryAfter)
	return fmt.Sprintf("Error=%d, RetryAfterMs=%d, Details='%s'", codeRateTooLarge, (wait+time.Millisecond-1)/time.Millisecond, details)
}

func (d *Double) rateError(wait time.Duration) *wire.Reply {
	return wire.ErrorReply(codeRateTooLarge, "RequestRateTooLarge", d.rateMessage(wait, true))
}

func timeoutError() *wire.Reply {
	return wire.ErrorReply(codeExceededTimeLimit, "ExceededTimeLimit", "Request timed out. Retries due to rate limiting: True.")
}

func notSupported(format string, args ...any) *wire.Reply {
	return wire.ErrorReply(codeNotSupported, "CommandNotSupported", fmt.Sprintf(format, args...))
}

func namespaceNotFound(database, collection string) *wire.Reply {
	return wire.ErrorReply(codeNamespaceNotFound, "NamespaceNotFound", "ns does not exist: "+database+"."+collection)
}

func commandNotFound(name string) *wire.Reply {
	return wire.ErrorReply(codeCommandNotFound, "CommandNotFound", fmt.Sprintf("no such command: '%s'", name))
}
