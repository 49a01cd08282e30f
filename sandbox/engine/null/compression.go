package null

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// compressors are those the server speaks, by the names of the handshake.
var compressors = map[string]wiremessage.CompressorID{
	"snappy": wiremessage.CompressorSnappy, "zlib": wiremessage.CompressorZLib, "zstd": wiremessage.CompressorZstd,
}

// offered is which of the compressors that a client asks for the server has, in the client's order.
func offered(hello bson.Raw) bson.A {
	names := bson.A{}
	list, _ := hello.Lookup("compression").ArrayOK()
	values, err := list.Values()
	if err != nil {
		return names
	}
	for _, v := range values {
		if name, ok := v.StringValueOK(); ok && compressors[name] != 0 {
			names = append(names, name)
		}
	}
	return names
}

// compressing is a connection whose compressed messages are read as plain ones, and whose answers to these are
// compressed likewise. Plain messages pass it as they are.
type compressing struct {
	net.Conn
	counters *counters

	plain bytes.Reader // of what has been read ahead: a message's header, or a decompressed message
	pass  int          // bytes of a plain message still to be read
	by    wiremessage.CompressorID
	out   []byte // of an answer that is not whole yet
}

func (c *compressing) Read(into []byte) (int, error) {
	for c.plain.Len() == 0 && c.pass == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if c.plain.Len() > 0 {
		return c.plain.Read(into)
	}
	n, err := c.Conn.Read(into[:min(len(into), c.pass)])
	c.pass -= n
	return n, err
}

// begin reads a message's header, and the whole of it where it is compressed.
func (c *compressing) begin() error {
	var header [headerBytes]byte
	if _, err := io.ReadFull(c.Conn, header[:]); err != nil {
		return err
	}
	length := int(int32(binary.LittleEndian.Uint32(header[:])))
	if length < headerBytes || length > maxMessageBytes {
		return fmt.Errorf("%w: %d bytes long", errMalformed, length)
	}
	if wiremessage.OpCode(binary.LittleEndian.Uint32(header[12:])) != wiremessage.OpCompressed {
		c.by, c.pass = 0, length-headerBytes
		c.plain.Reset(header[:])
		return nil
	}
	body := make([]byte, length-headerBytes)
	if _, err := io.ReadFull(c.Conn, body); err != nil {
		return err
	}
	original, body, _ := wiremessage.ReadCompressedOriginalOpCode(body)
	size, body, _ := wiremessage.ReadCompressedUncompressedSize(body)
	by, body, ok := wiremessage.ReadCompressedCompressorID(body)
	if !ok || size < 0 || size > maxMessageBytes {
		return fmt.Errorf("%w: compressed, and cut off", errMalformed)
	}
	message, err := driver.DecompressPayload(body, driver.CompressionOpts{Compressor: by, UncompressedSize: size})
	if err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	c.by = by
	c.counters.compressed.Add(1)
	binary.LittleEndian.PutUint32(header[:], uint32(headerBytes+len(message)))
	binary.LittleEndian.PutUint32(header[12:], uint32(original))
	c.plain.Reset(append(header[:], message...))
	return nil
}

func (c *compressing) Write(some []byte) (int, error) {
	if c.by == 0 && len(c.out) == 0 {
		return c.Conn.Write(some)
	}
	c.out = append(c.out, some...)
	for len(c.out) >= headerBytes {
		length := int(binary.LittleEndian.Uint32(c.out))
		if len(c.out) < length {
			break
		}
		message, err := c.compress(c.out[:length])
		if err != nil {
			return 0, err
		}
		if _, err := c.Conn.Write(message); err != nil {
			return 0, err
		}
		c.out = c.out[:copy(c.out, c.out[length:])]
	}
	return len(some), nil
}

func (c *compressing) compress(message []byte) ([]byte, error) {
	_, id, to, opcode, body, _ := wiremessage.ReadHeader(message)
	payload, err := driver.CompressPayload(body, driver.CompressionOpts{
		Compressor: c.by, ZlibLevel: wiremessage.DefaultZlibLevel, ZstdLevel: wiremessage.DefaultZstdLevel,
	})
	if err != nil {
		return nil, err
	}
	index, out := wiremessage.AppendHeaderStart(nil, id, to, wiremessage.OpCompressed)
	out = wiremessage.AppendCompressedOriginalOpCode(out, opcode)
	out = wiremessage.AppendCompressedUncompressedSize(out, int32(len(body)))
	out = wiremessage.AppendCompressedCompressorID(out, c.by)
	out = append(out, payload...)
	binary.LittleEndian.PutUint32(out[index:], uint32(len(out)))
	return out, nil
}
