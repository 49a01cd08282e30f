package cosmos

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"

	"vida/sandbox/wire"
)

const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18

	mechanism       = "SCRAM-SHA-256"
	scramIterations = 15_000
)

// credentials lets only clients in that know the account's user and key.
type credentials struct {
	user   string
	stored scram.StoredCredentials
}

func newCredentials(user, key string) (*credentials, error) {
	if key == "" {
		return nil, errors.New("a user without a key")
	}
	client, err := scram.SHA256.NewClient(user, key, "")
	if err != nil {
		return nil, fmt.Errorf("user and key: %w", err)
	}
	salt := make([]byte, 28)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return &credentials{
		user:   user,
		stored: client.GetStoredCredentials(scram.KeyFactors{Salt: string(salt), Iters: scramIterations}),
	}, nil
}

// sessionKey is where a connection keeps its authentication: a *scram.ServerConversation.
type sessionKey struct{}

// Intercept answers the commands of an authentication, and refuses the others before it.
func (c *credentials) Intercept(ctx context.Context, conn *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	conversation, _ := conn.Value(sessionKey{}).(*scram.ServerConversation)
	switch {
	case command.Is("hello", "isMaster"):
		return c.hello(ctx, command, next)
	case command.Is("saslStart"):
		if asked, _ := command.Body.Lookup("mechanism").StringValueOK(); asked != mechanism {
			return wire.ErrorReply(codeAuthenticationFailed, "AuthenticationFailed", "Only "+mechanism+" is supported."), nil
		}
		server, err := scram.SHA256.NewServer(c.lookup)
		if err != nil {
			return nil, err
		}
		conversation = server.NewConversation()
		conn.SetValue(sessionKey{}, conversation)
		return step(conversation, command)
	case command.Is("saslContinue") && conversation != nil:
		return step(conversation, command)
	case conversation != nil && conversation.Valid(), command.Is("endSessions", "buildInfo"):
		return next(ctx, command)
	}
	return wire.ErrorReply(codeUnauthorized, "Unauthorized", fmt.Sprintf("Command %s requires authentication", command.Name)), nil
}

// hello tells the mechanism, and keeps what concerns authentication from the server.
func (c *credentials) hello(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	asked := command.Body.Lookup("saslSupportedMechs").Type != 0
	reply, err := next(ctx, command.WithBody(wire.Without(command.Body, "saslSupportedMechs", "speculativeAuthenticate")))
	if err != nil || reply == nil || !reply.OK() || !asked {
		return reply, err
	}
	document, err := wire.With(reply.Document(), bson.D{{Key: "saslSupportedMechs", Value: bson.A{mechanism}}})
	if err != nil {
		return nil, err
	}
	return wire.NewReply(document), nil
}

func (c *credentials) lookup(user string) (scram.StoredCredentials, error) {
	if user != c.user {
		return scram.StoredCredentials{}, errors.New("unknown user")
	}
	return c.stored, nil
}

// step takes the conversation one message further. A client may end it with an empty one.
func step(conversation *scram.ServerConversation, command *wire.Command) (*wire.Reply, error) {
	_, payload, _ := command.Body.Lookup("payload").BinaryOK()
	var response string
	if !conversation.Done() {
		var err error
		if response, err = conversation.Step(string(payload)); err != nil {
			return wire.ErrorReply(codeAuthenticationFailed, "AuthenticationFailed", "Invalid key"), nil //nolint:nilerr // the client is told
		}
	}
	return wire.MarshalReply(bson.D{
		{Key: "conversationId", Value: int32(1)},
		{Key: "done", Value: conversation.Done()},
		{Key: "payload", Value: primitive.Binary{Data: []byte(response)}},
		{Key: "ok", Value: 1.0},
	})
}
