package steps

import (
	"fmt"

	"vida/plans"
)

// New returns the step of that type. A new step type is added here.
func New(stepType string) (Step, error) {
	switch stepType {
	case plans.TypeCheckConnections:
		return checkConnections{}, nil
	case plans.TypeExtractIndexes:
		return extractIndexes{}, nil
	case plans.TypeGenerate:
		return generate{}, nil
	case plans.TypeCopy:
		return copyStep{}, nil
	case plans.TypeDump:
		return dump{}, nil
	case plans.TypeRestore:
		return restore{}, nil
	case plans.TypeCreateIndexes:
		return createIndexes{}, nil
	case plans.TypeVerifyCounts:
		return verifyCounts{}, nil
	case plans.TypeVerifyContent:
		return verifyContent{}, nil
	case plans.TypeVerifyIndexes:
		return verifyIndexes{}, nil
	}
	return nil, fmt.Errorf("unknown step type %q", stepType)
}
