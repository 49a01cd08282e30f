package steps

import (
	"context"
	"slices"
	"strings"

	"vida/endpoint"
)

// At most so many collections are read from for a try.
const checkReads = 20

// mayRead finds out whether the user may read what steps read. The server's word on it is taken, and one
// collection is read from all the same: a refusal has many reasons.
func (l *look) mayRead(ctx context.Context) error {
	reading := slices.ContainsFunc(l.needs, func(n need) bool { return slices.Contains(n.actions, endpoint.ActionFind) })
	if len(l.needs) > 0 && !reading {
		return nil
	}
	tries := l.existing()
	if len(tries) == 0 {
		tries = []string{"vida"} // reading makes nothing
	} else if l.told {
		tries = tries[:1]
	}
	for _, name := range tries[:min(len(tries), checkReads)] {
		err := l.reader.TryRead(ctx, name)
		switch endpoint.Code(err) {
		case endpoint.CodeNamespaceNotFound:
		case endpoint.CodeUnauthorized:
			l.out.MayRead = yes(false)
			if !l.told || l.allowed(endpoint.ActionFind) { // else it was said in better words
				l.refused(true, err)
			}
			return nil
		case endpoint.CodeRequestRateTooLarge:
			l.refused(false, err)
			return nil
		default:
			if err != nil {
				return err
			}
		}
	}
	l.out.MayRead = yes(l.allowed(endpoint.ActionFind))
	return nil
}

// mayWrite finds out whether the user may write where steps write.
func (l *look) mayWrite(ctx context.Context) error {
	if !slices.ContainsFunc(l.needs, func(n need) bool { return n.writes }) {
		if len(l.needs) == 0 && l.told {
			l.out.MayWrite = yes(l.privileges.Allows(l.out.Database, "", endpoint.ActionInsert))
		}
		return nil
	}
	may := true
	if l.told {
		for _, action := range []string{endpoint.ActionInsert, endpoint.ActionUpdate, endpoint.ActionCreateIndex} {
			may = l.allowed(action) && may
		}
	}
	if l.writer == nil {
		if l.told {
			l.out.MayWrite = yes(may)
		} else {
			l.remark("whether the user may write is found out by the run: a dry run cannot try it")
		}
		return nil
	}
	collection, ok := l.triedForWriting()
	if !ok {
		l.remark("whether the user may write is not known: there is no collection to try it on")
		return nil
	}
	err := l.writer.TryWrite(ctx, collection)
	switch code := endpoint.Code(err); {
	case err == nil, l.told && code == endpoint.CodeUnauthorized: // the try needs the right to delete, which steps do not
	case code == 0:
		return err // no answer: nothing more to find out
	case code == endpoint.CodeUnauthorized, notWritable[code]:
		may = false
		l.refused(l.writesStill(), err)
	default: // a shard key is missing, say: no word on the user
		l.remark("whether the user may write is not known: %v", err)
		return nil
	}
	l.out.MayWrite = yes(may)
	if may && l.out.Kind == endpoint.KindCosmos && !l.told {
		l.remark("deleting a document that is not there was not refused; that a key is read-only may show at the first document only")
	}
	return nil
}

// notWritable are the answers of a server that takes no writes.
var notWritable = map[int32]bool{91: true, 10107: true, 13435: true}

// refused notes what a server said to a try, as an error where a step fails of it.
func (l *look) refused(fails bool, err error) {
	if fails {
		l.out.Errors = append(l.out.Errors, err.Error())
	} else {
		l.out.Warnings = append(l.out.Warnings, err.Error())
	}
}

// rights sums up what the user may do.
func (l *look) rights(context.Context) error {
	var may, not []string
	for _, right := range []struct {
		may  *bool
		what string
	}{{l.out.MayRead, "read"}, {l.out.MayWrite, "write"}} {
		switch {
		case right.may == nil:
		case *right.may:
			may = append(may, right.what)
		default:
			not = append(not, right.what)
		}
	}
	user := "the user"
	if l.told {
		user += " " + l.privileges.User
	}
	switch {
	case len(may) > 0 && len(not) > 0:
		l.remark("%s may %s, but not %s", user, enumerate(may), enumerate(not))
	case len(may) > 0:
		l.remark("%s may %s", user, enumerate(may))
	case len(not) > 0:
		l.remark("%s may not %s", user, strings.Join(not, " or "))
	}
	return nil
}

// allowed tells whether the server's word permits an action wherever steps need it, and complains where it
// does not. It is true where the server tells nothing.
func (l *look) allowed(action string) bool {
	if !l.told {
		return true
	}
	if len(l.needs) == 0 {
		return l.privileges.Allows(l.out.Database, "", action)
	}
	var refused, steps []string
	still := false
	for _, n := range l.needs {
		if !slices.Contains(n.actions, action) {
			continue
		}
		names := n.names()
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			if l.privileges.Allows(l.out.Database, name, action) {
				continue
			}
			refused = append(refused, strings.TrimSuffix(l.reader.Namespace(name), "."))
			if !slices.Contains(steps, n.step) {
				steps = append(steps, n.step)
			}
			still = still || n.still
		}
	}
	if len(refused) == 0 {
		return true
	}
	role := "readWrite"
	if action == endpoint.ActionFind {
		role = "read"
	}
	slices.Sort(refused)
	refused = slices.Compact(refused)
	l.fail(still, "the user %s may not %s on %s, as %s must (give it the role %s on %s)", l.privileges.User, action,
		strings.Join(refused, ", "), enumerate(steps), role, l.out.Database)
	return false
}

// existing lists collections that are there: those that steps name, else any one.
func (l *look) existing() []string {
	var names []string
	for name, there := range l.out.Collections {
		if there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		if all := l.collectionNames(); len(all) > 0 {
			names = all[:1]
		}
	}
	return names
}

// triedForWriting chooses a collection to try on. On Cosmos DB it must be there: what is asked of a
// collection that is not is not documented.
func (l *look) triedForWriting() (string, bool) {
	var absent string
	for _, n := range l.needs {
		if !n.writes {
			continue
		}
		for _, name := range n.targets {
			if l.has(name) {
				return name, true
			}
			absent = name
		}
	}
	for _, c := range l.collections {
		if c.Type == "collection" && !strings.HasPrefix(c.Name, "system.") {
			return c.Name, true
		}
	}
	if absent == "" {
		absent = "vida"
	}
	return absent, l.out.Kind != endpoint.KindCosmos
}
