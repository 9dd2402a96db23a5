package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"
)

type element struct {
	key   string
	value any
}

// document is a BSON document of strings, int32, documents and lists.
type document []element

// list is a BSON array; its keys are the indexes.
type list document

func (d document) asList() list { return list(d) }

const (
	opMsg      = 2013
	headerSize = 16
	// Flags and the kind of the only section, the body.
	bodyAt  = headerSize + 5
	maxSize = 48_000_000
)

// command runs one command on the database admin and returns the reply's body. An answer other than ok: 1 is an error.
// Source: MongoDB wire protocol, OP_MSG; bsonspec.org.
func command(address string, body document) ([]byte, error) {
	connection, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err = connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	encoded := encode(append(body, element{"$db", "admin"}))
	message := make([]byte, bodyAt, bodyAt+len(encoded))
	binary.LittleEndian.PutUint32(message, uint32(bodyAt+len(encoded)))
	binary.LittleEndian.PutUint32(message[4:], 1)
	binary.LittleEndian.PutUint32(message[12:], opMsg)
	if _, err = connection.Write(append(message, encoded...)); err != nil {
		return nil, err
	}
	header := make([]byte, headerSize)
	if _, err = io.ReadFull(connection, header); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header)
	if size < bodyAt || size > maxSize {
		return nil, fmt.Errorf("a reply of %d bytes", size)
	}
	rest := make([]byte, size-headerSize)
	if _, err = io.ReadFull(connection, rest); err != nil {
		return nil, err
	}
	reply := rest[bodyAt-headerSize:]
	if !isOK(reply) {
		return nil, fmt.Errorf("%s failed: %s", body[0].key, printable(reply))
	}
	return reply, nil
}

// isOK finds ok: 1 as a double or an int32.
func isOK(reply []byte) bool {
	asDouble := binary.LittleEndian.AppendUint64([]byte("\x01ok\x00"), math.Float64bits(1))
	return bytes.Contains(reply, asDouble) || bytes.Contains(reply, []byte("\x10ok\x00\x01\x00\x00\x00"))
}

func printable(reply []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(reply))
}

func encode(d document) []byte {
	var content []byte
	for _, e := range d {
		content = append(content, encodeElement(e)...)
	}
	encoded := binary.LittleEndian.AppendUint32(nil, uint32(4+len(content)+1))
	return append(append(encoded, content...), 0)
}

func encodeElement(e element) []byte {
	tagged := func(tag byte, value []byte) []byte {
		return append(append([]byte{tag}, e.key+"\x00"...), value...)
	}
	switch value := e.value.(type) {
	case string:
		length := binary.LittleEndian.AppendUint32(nil, uint32(len(value)+1))
		return tagged(0x02, append(length, value+"\x00"...))
	case int:
		return tagged(0x10, binary.LittleEndian.AppendUint32(nil, uint32(value)))
	case document:
		return tagged(0x03, encode(value))
	case list:
		return tagged(0x04, encode(document(value)))
	default:
		panic(fmt.Sprintf("no encoding for %T", value))
	}
}
