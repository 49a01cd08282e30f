package plans

import (
	"vida/plans/expression"
)

func (b *builder) compileWhen(s *Step, index int) {
	if v := get[*value](b.records[s], "when"); v != nil {
		s.When = &expression.Condition{Text: v.text}
	}
}

func (b *builder) compileTransform(filter *value, set []fieldValue, unset []listItem) *expression.Transform {
	t := &expression.Transform{}
	if filter != nil {
		t.FilterText = filter.text
	}
	return t
}
