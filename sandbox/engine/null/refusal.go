package null

import (
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
)

// The error codes of MongoDB that are answered here.
const (
	codeBadValue                 = 2
	codeFailedToParse            = 9
	codeNamespaceNotFound        = 26
	codeCursorNotFound           = 43
	codeNamespaceExists          = 48
	codeCommandNotFound          = 59
	codeDocumentValidationFailed = 121
	codeDuplicateKey             = 11000
	codeUnknownStage             = 40324
)

var codeNames = map[int32]string{
	codeBadValue: "BadValue", codeFailedToParse: "FailedToParse", codeNamespaceNotFound: "NamespaceNotFound",
	codeCursorNotFound: "CursorNotFound", codeNamespaceExists: "NamespaceExists", codeCommandNotFound: "CommandNotFound",
	codeUnknownStage: "Location40324",
}

// refusal is a command that is answered with an error.
type refusal struct {
	code    int32
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(code int32, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

func (r *refusal) reply() bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: r.message}, {Key: "code", Value: r.code}, {Key: "codeName", Value: codeNames[r.code]}}
}
