package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
)

// Actions of MongoDB's access control that steps need.
const (
	ActionFind        = "find"
	ActionInsert      = "insert"
	ActionUpdate      = "update"
	ActionCreateIndex = "createIndex"
)

// Privileges are what the user may do, as the server told.
type Privileges struct {
	User  string // "name@database"
	grant []grant
}

// grant is a set of actions on a resource. Empty names mean every database, and every collection.
type grant struct {
	any        bool
	database   string
	collection string
	actions    map[string]bool
}

// Allows tells whether the user may do action on a collection; "" asks for every collection of the database.
func (p Privileges) Allows(database, collection, action string) bool {
	for _, g := range p.grant {
		here := g.any || (g.database == "" || g.database == database) && (g.collection == "" || g.collection == collection)
		if here && (g.actions[action] || g.actions["anyAction"]) {
			return true
		}
	}
	return false
}

// Privileges asks for the user's privileges. told is false where the server does not tell: Cosmos DB and
// FerretDB do not, nor does a server without access control.
func (r *Reader) Privileges(ctx context.Context) (privileges Privileges, told bool, err error) {
	reply, err := r.ask(ctx, adminDatabase, bson.D{{Key: "connectionStatus", Value: 1}, {Key: "showPrivileges", Value: true}})
	if err != nil {
		if refusal(err) && !Transient(err) {
			err = nil
		}
		return Privileges{}, false, err
	}
	var status struct {
		Info struct {
			Users []struct {
				User     string `bson:"user"`
				Database string `bson:"db"`
			} `bson:"authenticatedUsers"`
			Privileges *[]struct {
				Resource bson.Raw `bson:"resource"`
				Actions  []string `bson:"actions"`
			} `bson:"authenticatedUserPrivileges"`
		} `bson:"authInfo"`
	}
	if err := bson.Unmarshal(reply, &status); err != nil || status.Info.Privileges == nil || len(status.Info.Users) == 0 {
		return Privileges{}, false, nil //nolint:nilerr // what cannot be read does not tell
	}
	privileges.User = status.Info.Users[0].User + "@" + status.Info.Users[0].Database
	for _, p := range *status.Info.Privileges {
		g := grant{actions: map[string]bool{}}
		g.any, _ = p.Resource.Lookup("anyResource").BooleanOK()
		var onDatabase, onCollection bool
		g.database, onDatabase = p.Resource.Lookup("db").StringValueOK()
		g.collection, onCollection = p.Resource.Lookup("collection").StringValueOK()
		if !g.any && (!onDatabase || !onCollection) { // on the cluster, or on the buckets of time series
			continue
		}
		for _, action := range p.Actions {
			g.actions[action] = true
		}
		privileges.grant = append(privileges.grant, g)
	}
	return privileges, true, nil
}
