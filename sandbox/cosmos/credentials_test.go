package cosmos

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/x/mongo/driver/auth"
)

func TestCredentials(t *testing.T) {
	const user, key = "account", "aZ/+9=="
	for _, name := range []string{"ru-3.6", "ru-7.0", "vcore"} {
		r := newRig(t, Options{Profile: profile(t, name, nil), User: user, Key: key, PortalURI: true})
		if _, err := r.database.Collection("c").InsertOne(context.Background(), bson.D{{Key: "_id", Value: name}}); err != nil {
			t.Errorf("%s: the right key: %v", name, err)
		}
		if !strings.Contains(r.double.URI(), "account:aZ%2F+9==@") {
			t.Errorf("%s: URI %s", name, r.double.URI())
		}
		refused := func(credential *url.Userinfo) error {
			uri := "mongodb://" + r.double.proxy.Addr() + "/?replicaSet=" + r.double.profile.ReplicaSet
			uri = strings.TrimSuffix(uri, "?replicaSet=")
			if credential != nil {
				uri = strings.Replace(uri, "//", "//"+credential.String()+"@", 1)
			}
			client, err := mongo.Connect(context.Background(), options.Client().ApplyURI(uri).SetServerSelectionTimeout(time.Second).SetRetryReads(false))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Disconnect(context.Background()) }()
			return client.Database("d").RunCommand(context.Background(), bson.D{{Key: "count", Value: "c"}}).Err()
		}
		var failed *auth.Error
		for _, wrong := range []*url.Userinfo{url.UserPassword(user, "wrong"), url.UserPassword("other", key)} {
			if err := refused(wrong); !errors.As(err, &failed) {
				t.Errorf("%s: %s: %v", name, wrong.Username(), err)
			}
		}
		if err := refused(nil); refusal(err).Code != 13 {
			t.Errorf("%s: nobody: %v", name, err)
		}
		if s := r.double.Statistics(); s.Commands["count"] != 0 || s.Commands["insert"] != 1 {
			t.Errorf("%s: commands %v", name, s.Commands)
		}
	}
	if _, err := Start(context.Background(), Options{Profile: profile(t, "vcore", nil), Upstream: "127.0.0.1:1", User: user}); err == nil {
		t.Error("a user without a key is accepted")
	}
}
