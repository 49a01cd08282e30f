// Package wire is a proxy that speaks MongoDB's wire protocol. It stands between a client and a server, hands
// every command to a chain of interceptors, and forwards what they let through, byte for byte.
//
// An [Interceptor] is called like middleware: it may answer itself, forward the command (as it came, altered,
// in parts, or several times), wait, alter the reply, cut the connection before or after the server applied the
// command ([ErrReset]), or leave the client waiting for ever ([ErrNoReply]).
//
// Messages are read whole and written whole, without a copy in between; of a command only the name is parsed
// until an interceptor asks for more. Compression is never negotiated, replies are never streamed, and the
// server's idea of its own address is replaced with the proxy's, so that drivers which discover a replica set
// stay on the proxy.
package wire
