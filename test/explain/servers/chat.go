// A small WebSocket server: answers each text message with its checksum. Only the standard library.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	_ "net/http/pprof"
	"os"
	"strings"
)

// checksum is deliberately dear, so that a profile of a few seconds sees it.
func checksum(text string, rounds int) uint32 {
	sum := uint32(1)
	for round := 0; round < rounds; round++ {
		for index := 0; index < len(text); index++ {
			sum = sum*31 + uint32(text[index])
		}
	}
	return sum
}

func answer(text string) string {
	sum := checksum(text, 20000)
	return fmt.Sprintf(`{"type":"answer","sum":%d,"text":%q}`, sum, text)
}

func readMessage(reader *bufio.Reader) (byte, []byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		return 0, nil, err
	}
	length := int(head[1] & 0x7f)
	if length == 126 {
		var more [2]byte
		if _, err := io.ReadFull(reader, more[:]); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(more[:]))
	}
	var mask [4]byte
	if _, err := io.ReadFull(reader, mask[:]); err != nil {
		return 0, nil, err
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(reader, payload); err != nil {
		return 0, nil, err
	}
	for index := range payload {
		payload[index] ^= mask[index%4]
	}
	return head[0] & 0x0f, payload, nil
}

func writeMessage(writer io.Writer, opcode byte, payload []byte) error {
	frame := []byte{0x80 | opcode}
	if len(payload) < 126 {
		frame = append(frame, byte(len(payload)))
	} else {
		frame = append(frame, 126, byte(len(payload)>>8), byte(len(payload)))
	}
	_, err := writer.Write(append(frame, payload...))
	return err
}

func chat(response http.ResponseWriter, request *http.Request) {
	key := request.Header.Get("Sec-WebSocket-Key")
	if key == "" || !strings.EqualFold(request.Header.Get("Upgrade"), "websocket") {
		if request.URL.Path == "/answer" {
			fmt.Fprint(response, answer("how are you?"))
		}
		fmt.Fprintln(response, "ok")
		return
	}
	hash := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	connection, buffered, err := response.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(hash[:]))
	for {
		opcode, payload, err := readMessage(buffered.Reader)
		if err != nil {
			return
		}
		switch opcode {
		case 8:
			writeMessage(connection, 8, payload)
			return
		case 9:
			writeMessage(connection, 10, payload)
		case 1:
			writeMessage(connection, 1, []byte(answer(string(payload))))
		}
	}
}

func main() {
	http.HandleFunc("/", chat)
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
