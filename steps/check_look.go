package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vida/endpoint"
)

// How often a connection is pinged for its round-trip time.
const checkPings = 5

// At most so many names are listed in a message.
const checkNamesShown = 5

// look is a look at one connection. Its methods add what they find; an error of theirs is one that ends the
// look, such as a server that went away.
type look struct {
	env    Reader
	reader *endpoint.Reader
	writer *endpoint.Writer // nil where nothing may be tried
	needs  []need

	collections []endpoint.Collection
	privileges  endpoint.Privileges
	told        bool // the privileges are known

	out checkedConnection
}

// checkConnection looks at a connection. Whatever is wrong with it is in what it returns; an error is only
// that somebody wants it to end. open is nil where nothing may be tried that has the form of a write.
func checkConnection(ctx context.Context, env Reader, name string, open func(context.Context, string) (*endpoint.Writer, error)) (checkedConnection, error) {
	l := &look{env: env, needs: needsOf(env, name)}
	l.out = checkedConnection{Name: name, Database: env.Plan().Connection(name).Database}
	err := l.open(ctx, open)
	for _, part := range []func(context.Context) error{l.server, l.database, l.named, l.throughput, l.streams, l.mayRead, l.mayWrite, l.rights} {
		if err == nil {
			err = part(ctx)
		}
	}
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, endpoint.ErrStopping) {
			return l.out, err
		}
		l.out.Errors = append(l.out.Errors, err.Error())
	}
	l.out.OK = len(l.out.Errors) == 0
	return l.out, nil
}

func (l *look) open(ctx context.Context, open func(context.Context, string) (*endpoint.Writer, error)) (err error) {
	if open == nil || !slices.ContainsFunc(l.needs, func(n need) bool { return n.writes }) {
		l.reader, err = l.env.Reader(ctx, l.out.Name)
		return err
	}
	if l.writer, err = open(ctx, l.out.Name); err == nil {
		l.reader = l.writer.Reader
	}
	return err
}

// fail is an error where a step still to come fails of it, else a warning.
func (l *look) fail(still bool, format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if still {
		l.out.Errors = append(l.out.Errors, "connection "+l.out.Name+": "+text)
	} else {
		l.out.Warnings = append(l.out.Warnings, text)
	}
}

func (l *look) remark(format string, values ...any) {
	l.out.Remarks = append(l.out.Remarks, fmt.Sprintf(format, values...))
}

// server finds out what the server is and how far away.
func (l *look) server(ctx context.Context) error {
	server := l.reader.Server()
	l.out.Kind, l.out.Version, l.out.WireVersion, l.out.Hosts = server.Kind, server.Version, server.WireVersion, server.Hosts
	took, err := l.reader.Ping(ctx, checkPings)
	if err != nil {
		return err
	}
	l.out.RoundTrip = float64(took.Round(10*time.Microsecond)) / float64(time.Millisecond)
	return nil
}

// database finds out whether the database is there.
func (l *look) database(ctx context.Context) (err error) {
	if l.collections, err = l.reader.LookAtCollections(ctx); err != nil {
		return err
	}
	if l.privileges, l.told, err = l.reader.Privileges(ctx); err != nil {
		return err
	}
	if l.told {
		l.out.User = l.privileges.User
	}
	for _, c := range l.collections {
		if !strings.HasPrefix(c.Name, "system.") {
			l.out.Holds++
		}
	}
	if len(l.collections) > 0 {
		l.out.DatabaseExists = yes(true)
		return nil
	}
	names, told, err := l.reader.DatabaseNames(ctx)
	if err != nil || !told {
		return err
	}
	l.out.DatabaseExists = yes(slices.Contains(names, l.out.Database))
	if !*l.out.DatabaseExists {
		l.missingDatabase(names)
	}
	return nil
}

// missingDatabase says what follows from a database that is not there.
func (l *look) missingDatabase(others []string) {
	others = slices.DeleteFunc(others, func(name string) bool {
		return name == "admin" || name == "local" || name == "config"
	})
	for _, other := range others {
		if strings.EqualFold(other, l.out.Database) && l.out.Kind == endpoint.KindMongoDB {
			l.fail(l.writesStill(), "there is a database %s, and MongoDB allows none that differs from it in case only, as %s does (write it as it is there)", other, l.out.Database)
			return
		}
	}
	for _, n := range l.needs {
		if n.required && slices.ContainsFunc(n.sourceNames(), func(name string) bool { return !slices.Contains(n.made, name) }) {
			l.fail(n.still, "the database %s does not exist, and is read by %s (%s)", l.out.Database, n.step, thereAre("databases", others))
			return
		}
	}
}

func (l *look) writesStill() bool {
	return slices.ContainsFunc(l.needs, func(n need) bool { return n.writes && n.still })
}

// thereAre lists what may have been meant.
func thereAre(what string, names []string) string {
	if len(names) == 0 {
		return "there are no " + what
	}
	more := ""
	if len(names) > checkNamesShown {
		names, more = names[:checkNamesShown], ", …"
	}
	return "there are " + strings.Join(names, ", ") + more
}

// named finds out whether the collections are there that steps name.
func (l *look) named(context.Context) error {
	var absent, present []string
	l.out.Collections = map[string]bool{}
	for _, n := range l.needs {
		for _, name := range n.names() {
			if _, known := l.out.Collections[name]; !known {
				l.out.Collections[name] = l.has(name)
				if l.has(name) {
					present = append(present, name)
				} else {
					absent = append(absent, name)
				}
			}
		}
	}
	exists := l.out.DatabaseExists == nil || *l.out.DatabaseExists
	switch {
	case !exists:
		l.remark("the database %s does not exist yet", l.out.Database)
	default:
		text := fmt.Sprintf("the database %s has %s", l.out.Database, collections(l.out.Holds))
		if len(present) > 0 {
			text += ", " + enumerate(present) + " among them"
		}
		l.remark("%s", text)
		if len(absent) > 0 {
			l.remark("not there yet: %s", strings.Join(absent, ", "))
		}
	}
	if exists || len(l.out.Errors) == 0 { // else it was said already
		l.sources()
	}
	return nil
}

// sources checks what steps read and cannot do without.
func (l *look) sources() {
	type missing struct {
		steps []string
		still bool
	}
	var order []string
	absent := map[string]*missing{}
	for _, n := range l.needs {
		if !n.required {
			continue
		}
		pairs, _, err := choose(l.reader.Namespace, l.collections, n.selection)
		if err != nil {
			l.fail(n.still, "%v (step %s)", err, n.step)
		}
		if len(pairs) == 0 && len(n.made) == 0 {
			l.fail(false, "no collection of %s is one that the step %s is to read", l.out.Database, n.step)
		}
		for _, p := range pairs {
			if p.Collection.Name != "" || slices.Contains(n.made, p.From) {
				continue
			}
			if absent[p.From] == nil {
				absent[p.From] = &missing{}
				order = append(order, p.From)
			}
			m := absent[p.From]
			m.steps, m.still = append(m.steps, n.step), m.still || n.still
		}
	}
	for _, name := range order {
		m := absent[name]
		l.fail(m.still, "%s does not exist, and is read by %s (%s)", l.reader.Namespace(name), enumerate(m.steps), thereAre("collections", l.collectionNames()))
	}
}

func (l *look) has(name string) bool {
	return slices.ContainsFunc(l.collections, func(c endpoint.Collection) bool { return c.Name == name })
}

func (l *look) collectionNames() []string {
	var names []string
	for _, c := range l.collections {
		if !strings.HasPrefix(c.Name, "system.") {
			names = append(names, c.Name)
		}
	}
	return names
}

func collections(n int) string {
	if n == 1 {
		return "1 collection"
	}
	return fmt.Sprintf("%d collections", n)
}

func yes(b bool) *bool { return &b }
