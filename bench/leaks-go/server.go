// Answers each WebSocket message with itself, and keeps a slice of every session where it is built with
// `-ldflags "-X main.keeps=yes"`, or by another default: what the bench "leaks" and a test measure.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

var keeps = "no"

var (
	lock sync.Mutex
	kept [][]byte
)

func keep() {
	slice := make([]byte, 16_384)
	for index := range slice {
		slice[index] = 1
	}
	lock.Lock()
	kept = append(kept, slice)
	lock.Unlock()
}

func session(response http.ResponseWriter, request *http.Request) {
	key := request.Header.Get("Sec-WebSocket-Key")
	if key == "" {
		fmt.Fprint(response, len(kept))
		return
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	connection, buffer, err := response.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	if keeps == "yes" {
		keep()
	}
	for {
		kind, payload, err := readFrame(buffer.Reader)
		if err != nil || kind == 8 {
			return
		}
		if kind == 9 {
			kind = 10
		}
		if _, err := connection.Write(frame(kind, payload)); err != nil {
			return
		}
	}
}

func readFrame(reader *bufio.Reader) (byte, []byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(reader, head); err != nil {
		return 0, nil, err
	}
	length := int(head[1] & 127)
	if length == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(reader, long); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(long))
	}
	rest := make([]byte, 4+length)
	if _, err := io.ReadFull(reader, rest); err != nil {
		return 0, nil, err
	}
	payload := rest[4:]
	for index := range payload {
		payload[index] ^= rest[index%4]
	}
	return head[0] & 15, payload, nil
}

func frame(kind byte, payload []byte) []byte {
	if len(payload) < 126 {
		return append([]byte{128 | kind, byte(len(payload))}, payload...)
	}
	head := []byte{128 | kind, 126, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(payload)))
	return append(head, payload...)
}

func main() {
	http.HandleFunc("/", session)
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
